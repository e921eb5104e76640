"""Reuse: for one service item and its applicant, what the vault holds of each material that it requires.

`check_reuse` in `checking.py` is the whole of it in order; `vault.model.reuse` decides.
"""

from vault.reuse.answering import answer_json
from vault.reuse.checking import Answer, check_reuse
from vault.reuse.reading import AskedHolder, Question, read_question

__all__ = ["Answer", "AskedHolder", "Question", "answer_json", "check_reuse", "read_question"]
