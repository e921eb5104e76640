"""Certificate numbers that look like their kind's: the pattern with a serial in its free places."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

# What the catalogue's patterns are made of: classes, any character, choices, years in brackets, plain text.
_TOKEN: Final = re.compile(
    r"(?P<year>[〔（]\[0-9\]\{4\}[〕）])|(?P<set>\[(?P<members>[^\]]+)\]|\.|\((?P<choices>[^()]*)\)\*?)"
    r"(?:\{(?P<least>\d+)(?:,(?P<most>\d+))?\})?|(?P<plain>.)"
)
_ANY: Final = "样"
_RANGES: Final = {
    "0-9A-Z": "0123456789ABCDEFGHJKLMNPQRTUWXY",
    "0-9": "0123456789",
    "A-Z": "ABCDEFGHJKLMNPQRTUWXY",
}


@dataclass(frozen=True, slots=True)
class _Slot:
    """One place of a number: what may stand there; `year`: four digits of the year of issue."""

    members: str
    year: bool = False


def number_like(pattern: str, serial: int, year: int) -> str:
    """The number of this serial and year: different for each, `number_pattern` kept while it has room.

    Where the pattern has no room for the serial, its digits go on before the last free place: the catalogue's
    patterns are hints.
    """
    slots = _slots(pattern)
    written: list[str] = []
    for slot in reversed(slots):
        if slot.year:
            written.append(f"{year:04d}")
        elif len(slot.members) == 1:
            written.append(slot.members)
        else:
            serial, place = divmod(serial, len(slot.members))
            written.append(slot.members[place])
    if serial:
        last_free = next(n for n, slot in enumerate(reversed(slots)) if len(slot.members) > 1)
        written[last_free] = f"{serial}{written[last_free]}"
    return "".join(reversed(written))


@cache
def _slots(pattern: str) -> tuple[_Slot, ...]:
    slots: list[_Slot] = []
    for token in _TOKEN.finditer(pattern.removeprefix("^").removesuffix("$")):
        if token["year"]:
            slots += [_Slot(token["year"][0]), _Slot("", year=True), _Slot(token["year"][-1])]
        elif token["plain"]:
            slots.append(_Slot(token["plain"]))
        elif token["choices"] is not None:
            slots += [_Slot(letter) for letter in token["choices"].split("|")[0]]
        else:
            members = _members(token["members"])
            # Room for serials, but no more of "any character" than there has to be.
            times = token["least"] if members == _ANY else token["most"] or token["least"]
            slots += [_Slot(members)] * int(times or 1)
    return tuple(slots)


def _members(written: str | None) -> str:
    if written is None:
        return _ANY
    if written in _RANGES:
        return _RANGES[written]
    first, _, last = written.partition("-")
    return "".join(map(chr, range(ord(first), ord(last) + 1))) if last else written
