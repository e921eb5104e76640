"""The transparency log at work: sequencing, publishing, serving, proving, witnessing, and re-deriving all of it."""
