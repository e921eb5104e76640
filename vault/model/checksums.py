"""Check characters of the number standards: each function takes the number without it and gives it.

They are arithmetic only and expect well-formed input; the types that call them have checked the characters.
Look-ups check every code that they read, so sums go through `map`: no Python is run for a character.
"""

from operator import mul

# Value of a character is its index (ISO/IEC 7064, alphanumeric set).
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# GB 32100-2015: without I, O, S, V, Z; value is the index.
CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_MOD_11_2_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOD_11_2_CHECKS = "10X98765432"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"
_MOD_31_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_VALUES = {character: value for value, character in enumerate(ALPHANUMERIC)}
_CREDIT_CODE_VALUES = {character: value for value, character in enumerate(CREDIT_CODE_ALPHABET)}


def mod_11_2(digits: str) -> str:
    """Check character of 17 digits (GB 11643-1999; ISO/IEC 7064 MOD 11-2): 0-9 or X."""
    total = sum(map(mul, map(int, digits), _MOD_11_2_WEIGHTS))
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
    total = sum(map(mul, map(_CREDIT_CODE_VALUES.__getitem__, text), _MOD_31_WEIGHTS))
    return CREDIT_CODE_ALPHABET[-total % 31]


def organisation_check(text: str) -> str:
    """Check character of the eight characters of an organisation code (GB 11714): 0-9 or X."""
    total = sum(map(mul, map(_VALUES.__getitem__, text), _ORGANISATION_WEIGHTS))
    return _ORGANISATION_CHECKS[-total % 11]
