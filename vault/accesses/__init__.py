"""The holder's history: who looked at what is theirs, and what they are told of it, when.

`reading.py` has a page of it, `showing.py` writes it, `deferring.py` records orders to show something later,
`counting.py` counts what strangers verify, `backfilling.py` files what happened before revision 0012.
"""

from vault.accesses.backfilling import file_earlier
from vault.accesses.counting import VerificationTally
from vault.accesses.deferring import list_orders, order_json, read_order, record_order
from vault.accesses.reading import ACCESSES_MAX, Accesses, accesses_of
from vault.accesses.showing import accesses_json

__all__ = [
    "ACCESSES_MAX",
    "Accesses",
    "VerificationTally",
    "accesses_json",
    "accesses_of",
    "file_earlier",
    "list_orders",
    "order_json",
    "read_order",
    "record_order",
]
