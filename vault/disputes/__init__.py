"""Disputes (异议): a holder says what is wrong, the body responsible decides, verifiers are told meanwhile.

`submitting.py` and `deciding.py` have the two flows in order, `listing.py` what each side sees.
"""

from vault.disputes.deciding import Decided, decide, read_decision
from vault.disputes.listing import (
    DISPUTES_MAX,
    OpenDisputes,
    dispute_json,
    disputes_of,
    disputes_to_decide,
    open_dispute_json,
    open_disputes_now,
    page_json,
)
from vault.disputes.submitting import STATEMENT_MAX_CHARS, Submitted, read_dispute, submit

__all__ = [
    "DISPUTES_MAX",
    "STATEMENT_MAX_CHARS",
    "Decided",
    "OpenDisputes",
    "Submitted",
    "decide",
    "dispute_json",
    "disputes_of",
    "disputes_to_decide",
    "open_dispute_json",
    "open_disputes_now",
    "page_json",
    "read_decision",
    "read_dispute",
    "submit",
]
