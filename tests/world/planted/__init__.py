"""Bugs planted into the product, one at a time, to see whether the simulated world finds them."""
