"""A simulated receipt printer: ESC/POS bytes in, a text grid and a picture of the receipt out.

Read `machine.py` first (the commands), then `paper.py` (what is on the paper), `picture.py` (how it looks),
`sensors.py` (what it answers) and `station.py` (the printer as a whole, on its real transports).
"""
