"""The suite: fast unit tests, then the real engines."""
