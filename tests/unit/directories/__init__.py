"""The directories of certificates without engines."""
