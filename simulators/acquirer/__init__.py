"""An acquirer host: ISO 8583 over TCP, its own books, and every way to answer badly.

Reading order: `magic` (the table of cases) -> `host` (requests to answers) -> `books` -> `wire`. It shares no
code with the card zone: what both agree on stands in docs/reference/card-zone.md.
"""
