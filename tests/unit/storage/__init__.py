"""Storage, as far as it needs no engine."""
