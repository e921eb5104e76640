"""SM2: one set of tests for both engines."""
