"""The command line `certvault`: every command of a vault's life, for people and for scripts."""

from api.cli.program import main

__all__ = ["main"]
