"""The feed of changes: everything that happened, in one order that never changes.

`feed.py` reads it, `cursors.py` names places in it, `telling.py` writes its entries.
"""

from vault.changes.cursors import cursor_of
from vault.changes.feed import PAGE_MAX, ChangePage, changes_after
from vault.changes.telling import change_json, page_json

__all__ = ["PAGE_MAX", "ChangePage", "change_json", "changes_after", "cursor_of", "page_json"]
