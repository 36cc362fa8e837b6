"""Orders: accept sales from the replica, price them again, follow each to its end."""
