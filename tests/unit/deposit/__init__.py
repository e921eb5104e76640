"""Reading a deposit."""
