"""V13: strange files are judged in a child process with limits, and whatever happens becomes a report."""

from signing.confined.pool import Judges

__all__ = ["Judges"]
