"""Templates that somebody edits, tried out in a child process with limits; nothing is kept."""

from signing.trial.asking import DATA_MAX_BYTES, SOURCE_MAX_CHARS, Fault, Pictures, try_template

__all__ = ["DATA_MAX_BYTES", "SOURCE_MAX_CHARS", "Fault", "Pictures", "try_template"]
