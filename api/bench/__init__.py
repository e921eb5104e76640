"""`certvault bench`: what a vault does in a second, beside references of the same run."""
