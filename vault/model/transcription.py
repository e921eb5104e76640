"""What people type and paste, brought to the written form of the standards before anything is judged.

Blanks go, full-width forms become half-width, small Latin letters become capitals. A letter that only looks
Latin (Cyrillic Х, Greek Χ) and a character that is not seen at all are errors that say so: guessing what was
meant would file one holder under two codes.
"""

import unicodedata

from vault.errors import InputError

# Characters. The longest thing read here, a certificate identifier, has 126; the rest is room for blanks.
TYPED_LENGTH_MAX = 256

_FULL_WIDTH_OFFSET = 0xFF01 - ord("!")
_TO_WRITTEN_FORM = {
    **{code: code - _FULL_WIDTH_OFFSET for code in range(0xFF01, 0xFF5F)},
    **{ord(c): ord(c.upper()) for c in "abcdefghijklmnopqrstuvwxyz"},
    **{code: ord(chr(code - _FULL_WIDTH_OFFSET).upper()) for code in range(0xFF41, 0xFF5B)},
}
# What stays readable of a masked code: a quarter of it at either end, and never more than four characters.
_SHOWN_PART = 4
_SHOWN_MAX = 4


def written_form(typed: str) -> str:
    """The text without blanks, half-width, Latin letters as capitals; other characters are left as they are.

    Raises `InputError` (pointer "") for a text over `TYPED_LENGTH_MAX` and what `refuse_disguised` refuses.
    """
    if len(typed) > TYPED_LENGTH_MAX:
        raise InputError.at(
            "", f"the text is too long: expected at most {TYPED_LENGTH_MAX} characters, got {len(typed)}"
        )
    text = "".join(typed.translate(_TO_WRITTEN_FORM).split())
    if not text.isascii():
        refuse_disguised(text)
    return text


def refuse_disguised(text: str) -> None:
    """Raises `InputError` (pointer "") for a Cyrillic or Greek letter or an invisible character."""
    for character in text:
        script = unicodedata.name(character, "").partition(" ")[0]
        if script in {"CYRILLIC", "GREEK"}:
            raise InputError.at(
                "",
                f"the text holds a {script.capitalize()} letter (U+{ord(character):04X}) that looks Latin:"
                " expected the Latin letters A to Z",
            )
        if unicodedata.category(character) == "Cf":
            raise InputError.at("", f"the text holds an invisible character: U+{ord(character):04X}")


def describe(character: str) -> str:
    """What kind of character this is, for a message that must not quote it; unusual ones by code point."""
    if not character.isascii() or not character.isprintable():
        return f"the character U+{ord(character):04X}"
    if character.isdigit():
        return "a digit"
    return "a letter" if character.isalpha() else "a punctuation mark"


def mask_code(text: str) -> str:
    """A code with its middle in stars: 18 characters keep four at either end, nine keep two, three none."""
    shown = min(len(text) // _SHOWN_PART, _SHOWN_MAX)
    return text[:shown] + "*" * (len(text) - 2 * shown) + text[len(text) - shown :]
