"""The command line without engines."""
