"""Lifecycle: what an authority decides about a certificate after its issue, and its history.

`changing.py` has the flows in order; `reading.py` checks what came in, `showing.py` writes what goes out.
"""

from vault.lifecycle.changing import Recorded, change_status, record_inspection
from vault.lifecycle.reading import Inspection, StatusChange, read_change, read_inspection
from vault.lifecycle.showing import History, history_json, history_of, recorded_json

__all__ = [
    "History",
    "Inspection",
    "Recorded",
    "StatusChange",
    "change_status",
    "history_json",
    "history_of",
    "read_change",
    "read_inspection",
    "record_inspection",
    "recorded_json",
]
