"""Numbers and codes as people write them, brought to the one form that indexes are made of."""

import re
import unicodedata

# Longest run of digits that is shown in public: an ID number has 15 or 18.
DIGITS_SHOWN_MAX = 12
_LONG_DIGITS = re.compile(rf"[0-9]{{{DIGITS_SHOWN_MAX + 1},}}[0-9Xx]?")
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")


def number_form(number: str) -> str:
    """A certificate number without blanks, half-width, upper case: typed and printed forms meet here."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", number)).upper()


def code_form(code: str) -> str:
    """A verification code without blanks and hyphens, upper case."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", code)).replace("-", "").upper()


def case_number_form(number: str) -> str:
    """A case number as a deposit keeps it: composed characters (NFC), no blanks around them."""
    return unicodedata.normalize("NFC", number).strip()


def masked_number(number: str) -> str:
    """A certificate number for the public: a long run of digits, perhaps an ID number, loses its middle."""
    return _LONG_DIGITS.sub(lambda m: m[0][:4] + "*" * (len(m[0]) - 8) + m[0][-4:], number)
