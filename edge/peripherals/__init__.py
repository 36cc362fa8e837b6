"""Devices of a box behind real transports: one adapter a file, events in `events.py`."""
