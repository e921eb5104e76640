"""The transparency log at work: sequencing, publishing, serving, proving, witnessing, re-deriving."""
