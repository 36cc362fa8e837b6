"""Receipt templates: a small safe language of names, filters, if and for, from its text to a document.

`syntax` reads the text and `expressions` what stands between its braces; both give a flat program of plain JSON values.
`program` checks a program, also one that came over the wire, and `render` runs it. `names` says what a template may
ask for, `filters` how values become text, `template` what travels, `builtin` the receipts that come with tillbox.
"""
