"""The clerk's desk: today's cases of one clerk, and what is done with each.

Checks, uses and archiving are the flows that systems call, too: nothing is decided a second time here.
`sheets` keeps what lies on the desk, `reading` and `asking` take in what was typed or scanned, `looking` asks
what is held, `using`, `picture` and `paper` do something with it.
"""

from vault.desk.asking import fill_in, items_of
from vault.desk.looking import HeldFor, look
from vault.desk.paper import PaperForm, archive_paper, compare_paper, kinds_of_paper
from vault.desk.picture import page_picture
from vault.desk.reading import CaseForm, Slip, Slips, default_purpose, read_numbers
from vault.desk.sheets import forget_yesterday, sheet_at, take_in, turn
from vault.desk.using import take_back, use_held

__all__ = [
    "CaseForm",
    "HeldFor",
    "PaperForm",
    "Slip",
    "Slips",
    "archive_paper",
    "compare_paper",
    "default_purpose",
    "fill_in",
    "forget_yesterday",
    "items_of",
    "kinds_of_paper",
    "look",
    "page_picture",
    "read_numbers",
    "sheet_at",
    "take_back",
    "take_in",
    "turn",
    "use_held",
]
