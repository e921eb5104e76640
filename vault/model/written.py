"""Numbers and codes as people write them, brought to the one form that indexes are made of."""

import re
import unicodedata

# Longest run of digits that is shown in public: an ID number has 15 or 18.
DIGITS_SHOWN_MAX = 12
_LONG_DIGITS = re.compile(rf"[0-9]{{{DIGITS_SHOWN_MAX + 1},}}[0-9Xx]?")
# The shortest ID number has 15 digits (GB 11643 before 1999); a text that is kept in clear must hold none.
ID_DIGITS_MIN = 15
_ID_LIKE = re.compile(rf"\d{{{ID_DIGITS_MIN}}}")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What would write over a reader's terminal or page: control characters, line ends, marks that reorder text.
# The page behind a QR code has the same (api/pages/static/offline.js).
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")


def number_form(number: str) -> str:
    """A certificate number without blanks, half-width, upper case: typed and printed forms meet here."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", number)).upper()


def code_form(code: str) -> str:
    """A verification code without blanks and hyphens, upper case."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", code)).replace("-", "").upper()


def text_form(text: str) -> str:
    """A text of one line as the vault keeps it: composed characters (NFC), no blanks around them."""
    return unicodedata.normalize("NFC", text).strip()


def hides_something(text: str) -> bool:
    """Whether it holds a control character, an invisible one, half a surrogate or a line end."""
    return any(unicodedata.category(character) in _HIDDEN for character in text)


def holds_id_digits(text: str) -> bool:
    """Whether so many digits stand in a row, blanks left out, that they may be an ID number."""
    return _ID_LIKE.search(number_form(text)) is not None


def case_number_form(number: str) -> str:
    """A case number as a deposit keeps it."""
    return text_form(number)


def masked_number(number: str) -> str:
    """A certificate number for the public: a long run of digits, perhaps an ID number, loses its middle."""
    return _LONG_DIGITS.sub(lambda m: m[0][:4] + "*" * (len(m[0]) - 8) + m[0][-4:], number)
