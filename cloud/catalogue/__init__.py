"""Catalogues of tenants: items, prices, rules in force, their published versions, and the boxes that sell by them."""
