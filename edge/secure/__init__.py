"""The secure module: the one process of a box that sees card numbers, and alone holds the card reader's line.

Reading order: `main` -> `module` (what the agent may ask, what may come out) -> `reader` and `reader_frames`
(the line) ->
`card_blob` (the seal) -> `blob_store` (what can be sent again, and erased). The agent uses `client` only.
"""
