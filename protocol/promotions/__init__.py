"""Promotions as data: a published set of rules, and what they make of a basket.

`promotion_set` reads and indexes a set, `apply` carries it out; `rule` says what one rule may say. Prices, taxes and
totals are in `pricing/`. docs/reference/promotions.md explains the document.
"""
