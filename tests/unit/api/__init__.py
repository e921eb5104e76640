"""The edge without its engines."""
