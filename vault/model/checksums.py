"""Check characters of the number standards: each function takes the number without it and gives it.

They are arithmetic only and expect well-formed input; the types that call them have checked the characters.
"""

# Value of a character is its index (ISO/IEC 7064, alphanumeric set).
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# GB 32100-2015: without I, O, S, V, Z; value is the index.
CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_MOD_11_2_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOD_11_2_CHECKS = "10X98765432"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"


def mod_11_2(digits: str) -> str:
    """Check character of 17 digits (GB 11643-1999; ISO/IEC 7064 MOD 11-2): 0-9 or X."""
    total = sum(int(d) * w for d, w in zip(digits, _MOD_11_2_WEIGHTS, strict=True))
    return _MOD_11_2_CHECKS[total % 11]


def mod_37_36(text: str) -> str:
    """Check character of digits and capitals of any length (ISO/IEC 7064 MOD 37,36; GB/T 17710-2008)."""
    product = 36
    for character in text:
        product = (product + ALPHANUMERIC.index(character)) % 36 or 36
        product = product * 2 % 37
    return ALPHANUMERIC[(37 - product) % 36]


def mod_31(text: str) -> str:
    """Check character of the first 17 characters of a unified social credit code (GB 32100-2015)."""
    total = sum(CREDIT_CODE_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(text))
    return CREDIT_CODE_ALPHABET[-total % 31]


def organisation_check(text: str) -> str:
    """Check character of the eight characters of an organisation code (GB 11714): 0-9 or X."""
    total = sum(ALPHANUMERIC.index(c) * w for c, w in zip(text, _ORGANISATION_WEIGHTS, strict=True))
    return _ORGANISATION_CHECKS[-total % 11]
