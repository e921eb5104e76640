"""Conformance vectors: files that say in their name what is wrong with them, and what a verifier must answer.

`files/vectors.json` says of each at which time it is judged, with what at hand, and what must come out;
`python -m tests.vectors` makes all of them anew. `docs/verification.md` tells how to use them elsewhere.
"""
