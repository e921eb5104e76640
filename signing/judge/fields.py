"""The signature fields of a PDF, and the rules on how a signature stands in its form (V8, DocMDP)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pikepdf

from signing.judge.findings import SubIndication, failure

FIELDS_MAX = 2_000  # a form with more is an attempt to keep the judge busy
FIELD_DEPTH_MAX = 32
SIGNATURES_MAX = 32  # each is a digest over the whole file
_DATE = re.compile(r"D:(\d{14})(?:Z|([+-])(\d\d)'?(\d\d)'?)?$")
_DIGITS = re.compile(r"^\d{4}|\d\d")
_NO_CHANGES = 1  # DocMDP P = 1 (ISO 32000-1, table 254)
_TIME_STAMP = "/ETSI.RFC3161"
_STAMP_TYPE = "/DocTimeStamp"  # ISO 32000-2, clause 12.8.5


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature field and the signature in it. `name`: fully qualified, with full stops between."""

    held: pikepdf.Object = field(repr=False)
    signature: pikepdf.Object = field(repr=False)
    name: str

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time-stamp, which seals nothing and proves a time."""
        return is_time_stamp(self.signature)

    @property
    def range_end(self) -> int:
        """Where its ByteRange ends; 0 if it has none."""
        numbers = list(self.signature.get("/ByteRange", pikepdf.Array()))
        return int(numbers[2]) + int(numbers[3]) if len(numbers) == 4 else 0  # noqa: PLR2004 - [0 a b c]

    @property
    def claimed_time(self) -> datetime | None:
        """The signer's own statement of the time, /M (ISO 32000-1, clause 7.9.4); None if it is no date."""
        matched = _DATE.match(str(self.signature.get("/M", "")))
        if matched is None:
            return None
        try:
            year, month, day, hour, minute, second = map(int, _DIGITS.findall(matched.group(1)))
            local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            if matched.group(2) is None:
                return local
            offset = timedelta(hours=int(matched.group(3)), minutes=int(matched.group(4)))
            return local - offset if matched.group(2) == "+" else local + offset
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class FormField:
    """Any field of a form. `kind`: its type, inherited where its own is missing; None where there is none."""

    held: pikepdf.Object = field(repr=False)
    name: str
    kind: str | None


def is_time_stamp(signature: pikepdf.Object) -> bool:
    """Whether a signature dictionary holds a document time-stamp (ISO 32000-2, clause 12.8.5)."""
    return (
        str(signature.get("/SubFilter", "")) == _TIME_STAMP or str(signature.get("/Type", "")) == _STAMP_TYPE
    )


def form_fields(catalogue: pikepdf.Object) -> list[FormField]:
    """All fields and their widgets, at any depth of the form.

    Raises:
        SignatureError: the form is too large or too deep (FORMAT_FAILURE).
    """
    found: list[FormField] = []
    waiting: list[tuple[pikepdf.Object, str, pikepdf.Object | None, int]] = [
        (held, "", None, 0) for held in _kids(catalogue.get("/AcroForm", pikepdf.Dictionary()), "/Fields")
    ]
    while waiting:
        held, above, kind, depth = waiting.pop()
        if len(found) >= FIELDS_MAX or depth > FIELD_DEPTH_MAX:
            raise failure(SubIndication.FORMAT_FAILURE, "The form is too large or too deep.")
        kind = held.get("/FT", kind)
        own = held.get("/T")
        name = above if own is None else f"{above}.{own}" if above else str(own)
        found.append(FormField(held, name, None if kind is None else str(kind)))
        waiting += [(kid, name, kind, depth + 1) for kid in _kids(held, "/Kids")]
    return found


def signed_fields(catalogue: pikepdf.Object) -> list[Signed]:
    """All fields that hold a signature, oldest first.

    Raises:
        SignatureError: as `form_fields`, or there are more than `SIGNATURES_MAX` (FORMAT_FAILURE).
    """
    found = [
        Signed(each.held, each.held.V, each.name)
        for each in form_fields(catalogue)
        if each.kind == "/Sig" and isinstance(each.held.get("/V"), pikepdf.Dictionary)
    ]
    if len(found) > SIGNATURES_MAX:
        raise failure(SubIndication.FORMAT_FAILURE, f"The file has over {SIGNATURES_MAX} signatures.")
    found.sort(key=lambda signed: signed.range_end)
    return found


def check_field(found: Sequence[Signed], signed: Signed) -> None:
    """V8: one field holds the signature, under a name of its own.

    Raises:
        SignatureError: SIG_CONSTRAINTS_FAILURE.
    """
    references = [other.signature.objgen for other in found]
    names = [other.name for other in found]
    if references.count(signed.signature.objgen) != 1 or names.count(signed.name) != 1:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "The signature stands in several fields, or fields share a name.",
        )


def forbids_changes(catalogue: pikepdf.Object, signed: Signed) -> str | None:
    """How a signature forbids all changes, in a sentence; None where it does not (ISO 32000-2, table 236).

    Certified with P = 1; or, where others signed before, a lock on everything with P = 1.

    Raises:
        SignatureError: it certifies, and the catalogue does not say so (SIG_CONSTRAINTS_FAILURE).
    """
    methods = {
        str(reference.get("/TransformMethod")): reference.get("/TransformParams", pikepdf.Dictionary())
        for reference in signed.signature.get("/Reference", pikepdf.Array())
    }
    certified = catalogue.get("/Perms", pikepdf.Dictionary()).get("/DocMDP")
    if "/DocMDP" in methods and methods["/DocMDP"].get("/P") == _NO_CHANGES:
        if certified is None or certified.objgen != signed.signature.objgen:
            raise failure(
                SubIndication.SIG_CONSTRAINTS_FAILURE, "The catalogue does not name the certification."
            )
        return "Certified: no changes permitted."
    lock = signed.held.get("/Lock", pikepdf.Dictionary())
    if (
        methods.get("/FieldMDP", pikepdf.Dictionary()).get("/Action") == "/All"
        and lock.get("/Action") == "/All"
        and lock.get("/P") == _NO_CHANGES
    ):
        return "Signed after others, with a lock: no changes permitted."
    return None


def _kids(held: pikepdf.Object, key: str) -> list[pikepdf.Object]:
    entries = held.get(key, pikepdf.Array())
    return [entry for entry in entries if isinstance(entry, pikepdf.Dictionary)]
