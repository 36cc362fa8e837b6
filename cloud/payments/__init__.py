"""Payments: money that moves through a channel, from the intention to its end."""
