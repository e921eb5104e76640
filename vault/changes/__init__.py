"""The feed of changes: everything that happened, in one order that never changes.

`feed.py` reads it, `cursors.py` names places in it, `telling.py` writes its entries, `backfilling.py` brings
in what happened before there was a feed.
"""

from vault.changes.backfilling import backfill
from vault.changes.cursors import cursor_of
from vault.changes.feed import (
    PAGE_DEFAULT,
    PAGE_MAX,
    PLACES_MAX,
    ChangePage,
    audiences_of,
    changes_after,
    place_changes,
    place_of,
    told_to,
)
from vault.changes.telling import change_json, page_json

__all__ = [
    "PAGE_DEFAULT",
    "PAGE_MAX",
    "PLACES_MAX",
    "ChangePage",
    "audiences_of",
    "backfill",
    "change_json",
    "changes_after",
    "cursor_of",
    "page_json",
    "place_changes",
    "place_of",
    "told_to",
]
