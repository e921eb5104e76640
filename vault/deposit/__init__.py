"""Deposit: a completed case hands in its results, and every one of them becomes a sealed certificate.

`hand_in` and `deposit` in `flow.py` are the whole of it in order; the other modules are its steps.
"""

from vault.deposit.flow import Deposited, deposit, hand_in
from vault.deposit.reading import read_case
from vault.deposit.receipts import receipt_json

__all__ = ["Deposited", "deposit", "hand_in", "read_case", "receipt_json"]
