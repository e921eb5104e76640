"""Raising seals so that they can be checked when their certificates have ended (B-T, B-LT, B-LTA)."""

from vault.raising.calendar import Calendar, SealHealth, calendar_of, retry_failed, seal_health
from vault.raising.flow import BATCH_FILES, Raised, raise_due
from vault.raising.walking import walk

__all__ = [
    "BATCH_FILES",
    "Calendar",
    "Raised",
    "SealHealth",
    "calendar_of",
    "raise_due",
    "retry_failed",
    "seal_health",
    "walk",
]
