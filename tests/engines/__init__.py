"""The embedded engines, started for real."""
