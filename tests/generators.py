"""Valid numbers of invented people and organisations, for tests.

The check characters are found here by the standards' congruences, not by the vault's own functions, so that a
slip in one does not hide in the other. Everybody is born before 1910: no number belongs to anyone alive.
"""

import string
from datetime import date

from hypothesis import strategies as st

DIGITS = string.digits
CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# GB 32100, table of departments and their categories.
CREDIT_CODE_HEADS = tuple(
    department + category
    for department, categories in zip(
        "123456789ANY",
        ("1239", "19", "123459", "19", "1239", "129", "129", "19", "123", "19", "1239", "1"),
        strict=True,
    )
    for category in categories
)
PROVINCE_CODES = tuple(
    region + place
    for region, places in {
        "1": "12345",
        "2": "123",
        "3": "1234567",
        "4": "123456",
        "5": "01234",
        "6": "12345",
        "7": "1",
        "8": "123",
    }.items()
    for place in places
)


def make_citizen_id(area: str, birth: date, sequence: int) -> str:
    """A valid number of 18 characters: `area` of six digits, `sequence` from 0 to 999 (odd: male)."""
    body = f"{area}{birth:%Y%m%d}{sequence:03d}"
    # ISO/IEC 7064 MOD 11-2, recursive: the whole number, read in base 2 with its check, leaves 1.
    remainder = 0
    for digit in body:
        remainder = (remainder + int(digit)) * 2 % 11
    return body + "0123456789X"[(1 - remainder) % 11]


def make_credit_code(prefix: str = "91350100", body: str = "M000100Y") -> str:
    """A valid social credit code: `prefix` department, category, area (8), `body` organisation code (8)."""
    weighted = sum(int(c, 36) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    organisation = next(c for value, c in enumerate("0123456789X") if (weighted + value) % 11 == 0)
    first = prefix + body + organisation
    total = sum(CREDIT_CODE_CHARACTERS.index(c) * 3**place for place, c in enumerate(first))
    return first + next(c for value, c in enumerate(CREDIT_CODE_CHARACTERS) if (total + value) % 31 == 0)


def births() -> st.SearchStrategy[date]:
    """Dates of birth on which nobody alive was born; 1900 (no leap year) and 1904 (one) are among them."""
    return st.dates(date(1880, 1, 1), date(1909, 12, 31))


def areas() -> st.SearchStrategy[str]:
    """Six digits of an area, its province in the list; foreigners' cards have 9, province, country."""
    rest = st.text(DIGITS, min_size=4, max_size=4)
    country = st.text(DIGITS, min_size=3, max_size=3)
    province = st.sampled_from(PROVINCE_CODES)
    return st.one_of(
        st.builds("{}{}".format, province, rest),
        st.builds("9{}{}".format, province, country),
    )


def citizen_ids() -> st.SearchStrategy[str]:
    """Valid citizen identity numbers, residence permits and permanent resident cards among them."""
    return st.builds(make_citizen_id, areas(), births(), st.integers(0, 999))


def credit_codes() -> st.SearchStrategy[str]:
    """Valid social credit codes of every department and category."""
    prefix = st.builds(
        "{}{}".format, st.sampled_from(CREDIT_CODE_HEADS), st.text(DIGITS, min_size=6, max_size=6)
    )
    return st.builds(make_credit_code, prefix, st.text(CREDIT_CODE_CHARACTERS, min_size=8, max_size=8))
