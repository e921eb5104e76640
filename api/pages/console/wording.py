"""Times, sizes and what is wrong, in the words of a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.pages.rendering import LEGAL_TIME
from api.pages.texts import TEXTS, Language, text
from vault.console import Attention

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
# Steps of sizes, as disks are sold and tools print them.
_BYTES = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
# What of a problem's values is a word of ours.
_NAMED = {"outcome": "console.outcome", "part": "console.backup", "task": "console.task"}


@dataclass(frozen=True, slots=True)
class Wording:
    """In one language, at one time."""

    language: Language
    at: datetime

    def clock(self, moment: datetime | None) -> str:
        """Clock time in China; of another day with its date; a dash for none."""
        if moment is None:
            return "—"
        there = moment.astimezone(LEGAL_TIME)
        same = there.date() == self.at.astimezone(LEGAL_TIME).date()
        return there.strftime("%H:%M" if same else "%Y-%m-%d %H:%M")

    def day(self, moment: datetime | None) -> str:
        """The date in China; a dash for none."""
        return "—" if moment is None else moment.astimezone(LEGAL_TIME).date().isoformat()

    def ago(self, moment: datetime | None) -> str:
        """How long ago, or how long until then, in the largest unit that fits."""
        if moment is None:
            return text("console.never", self.language)
        apart = self.at - moment
        key = "console.ago" if apart >= timedelta(0) else "console.in"
        for unit, length in _UNITS:
            many = abs(apart) // length
            if many:
                # Up to two days hours say more.
                if unit == "day" and many == 1:
                    many, unit = abs(apart) // timedelta(hours=1), "hour"  # noqa: PLW2901 - the finer unit in its place
                return text(f"{key}.{unit}{'s' if many > 1 else ''}", self.language, many=many)
        return text("console.now", self.language)

    def span(self, length: timedelta) -> str:
        """A length of time: minutes, hours or days."""
        for unit, each in _UNITS:
            if length >= each and length % each == timedelta(0):
                many = length // each
                return text(f"console.span.{unit}{'s' if many > 1 else ''}", self.language, many=many)
        return str(length)

    def size(self, size_bytes: int | None) -> str:
        """A size in the largest unit that fits; a dash for none."""
        if size_bytes is None:
            return "—"
        for unit, step in _BYTES:
            if size_bytes >= step:
                return f"{size_bytes / step:.1f} {unit}"
        return f"{size_bytes} B"

    def number(self, number: int, counted_max: int | None = None) -> str:
        """A count with its thousands apart; with a plus where the counting ended at it."""
        return f"{number:,}" + ("+" if counted_max is not None and number >= counted_max else "")

    def named(self, prefix: str, name: str) -> str:
        """What a name of the program's is called here; the name itself where it has no words yet."""
        key = f"{prefix}.{name}"
        return text(key, self.language) if key in TEXTS else name

    def wrong(self, what: Attention) -> str:
        """What is wrong, in a sentence."""
        return text(f"console.wrong.{what.kind}", self.language, **self._values(what.values))

    def next(self, what: Attention) -> str:
        """What to do about it, in a sentence."""
        if what.kind in {"refused", "refused-by-us"}:
            key = f"console.mend.{what.values['outcome']}"
            if key in TEXTS:
                return text(key, self.language)
        return text(f"console.next.{what.kind}", self.language, **self._values(what.values))

    def _values(self, values: Mapping[str, object]) -> dict[str, str]:
        return {name: self._value(name, value) for name, value in values.items()}

    def _value(self, name: str, value: object) -> str:
        if name == "on" and isinstance(value, datetime):
            return self.day(value)
        if value is None or isinstance(value, datetime):
            return self.ago(value)
        if isinstance(value, bool):
            return ""
        if isinstance(value, int):
            return self.number(value)
        return self.named(_NAMED[name], str(value)) if name in _NAMED else str(value)
