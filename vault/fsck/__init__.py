"""fsck: re-derives what the vault claims, from rows to objects and back, and explains every object."""

from vault.fsck.examining import examine
from vault.fsck.findings import Finding, FsckReport, Weight
from vault.fsck.flow import fsck, is_worth_processes
from vault.fsck.parts import Hands, Part, PartDone

__all__ = [
    "Finding",
    "FsckReport",
    "Hands",
    "Part",
    "PartDone",
    "Weight",
    "examine",
    "fsck",
    "is_worth_processes",
]
