"""Cases that are drawn, not listed: all that they are comes from a seed.

Family, strength, scope, who makes it, the files' type, the number of images, the data set and the order.
`ranges` says what strengths are drawn from, `cases` which strata there are. Seeds below 1000 are for development; a
larger one is a test, which is used once (`log`).
"""
