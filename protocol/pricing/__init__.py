"""What a basket costs: the same answer on the box, in the cloud and on MicroPython.

`engine` prices a basket, `tax` holds the rates and how they are rounded. Nothing here rounds by itself:
`money` does.
"""
