"""fsck: re-derives what the vault claims, from rows to objects and back, and explains every object."""

from vault.fsck.findings import Finding, FsckReport, Weight
from vault.fsck.flow import fsck

__all__ = ["Finding", "FsckReport", "Weight", "fsck"]
