"""Base45 (RFC 9285): bytes in the 45 characters that a QR symbol packs densely."""

from vault.errors import InputError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_BASE = len(ALPHABET)


def encode(content: bytes) -> str:
    """Three characters for two bytes, two for a last single one (RFC 9285, 4)."""
    text: list[str] = []
    for start in range(0, len(content) - 1, 2):
        rest, first = divmod(content[start] << 8 | content[start + 1], _BASE)
        third, second = divmod(rest, _BASE)
        text += (ALPHABET[first], ALPHABET[second], ALPHABET[third])
    if len(content) % 2:
        second, first = divmod(content[-1], _BASE)
        text += (ALPHABET[first], ALPHABET[second])
    return "".join(text)


def decode(text: str) -> bytes:
    """The bytes.

    Raises:
        InputError: a character is not of the alphabet, the length is none, or a group is above its range.
    """
    try:
        values = [_VALUES[character] for character in text]
    except KeyError:
        raise InputError("Expected base45: digits, capitals and $ % * + - . / : only.") from None
    if len(values) % 3 == 1:
        raise InputError("Expected base45 in groups of three characters, and two at the end perhaps.")
    content = bytearray()
    for start in range(0, len(values), 3):
        group = values[start : start + 3]
        number = sum(value * _BASE**place for place, value in enumerate(group))
        size = len(group) - 1
        if number >> 8 * size:
            raise InputError("A group of base45 is above its range.")
        content += number.to_bytes(size, "big")
    return bytes(content)
