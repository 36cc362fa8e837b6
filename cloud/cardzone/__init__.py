"""The card zone: the one process of the cloud that sees card numbers and talks to acquirers about them.

Reading order: `main` -> `zone` (what happens to one attempt) -> `rules` (the lifecycle as a table) ->
`iso8583` (the wire) -> `links` and `reversals` (the acquirer's side) -> `store`. Other processes use `client`
only.
"""
