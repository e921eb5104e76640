"""Where a certificate in the vault comes from: what its file is, and who answers for that.

A register's stock is not born in the vault. What was typeset anew from data, or scanned from paper, says so
in every verdict and in the log, and a scan on its page: nobody may take a copy for the original.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final


class OriginKind(StrEnum):
    """What the file of a certificate is."""

    BORN_SEALED = "born_sealed"  # sealed electronically when it was issued
    TYPESET_ANEW = "typeset_anew"  # set from a register's data, later than it was issued
    SCAN_ATTESTED = "scan_attested"  # a digital copy, compared with the original by a named officer
    SCAN_UNVERIFIED = "scan_unverified"  # a digital copy that nobody compared


SCANS: Final = frozenset({OriginKind.SCAN_ATTESTED, OriginKind.SCAN_UNVERIFIED})
"""Digital copies: sealed by who digitised them, never by the issuer."""


@dataclass(frozen=True, slots=True)
class Digitisation:
    """Who made a digital copy (USCC and name), and of an attested one which officer compared it, and when."""

    authority: str
    authority_name: str
    officer: str | None = field(default=None, repr=False)
    attested_on: date | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What a certificate's file is; `digitised` of scans only, and gone with the last holder."""

    kind: OriginKind
    digitised: Digitisation | None = None


BORN_SEALED: Final = Origin(OriginKind.BORN_SEALED)

_NOBODY: Final = dict.fromkeys(("authority", "authority_name", "officer", "attested_on"))
_ZH: Final[Mapping[OriginKind, str]] = {
    OriginKind.BORN_SEALED: "签发时即加盖电子印章的原生电子证照",
    OriginKind.TYPESET_ANEW: "依据登记数据重新制作的电子证照",
    OriginKind.SCAN_ATTESTED: "数字化副本，已由经办人员与原件核对一致",
    OriginKind.SCAN_UNVERIFIED: "数字化副本，未经与原件核对",
}
_EN: Final[Mapping[OriginKind, str]] = {
    OriginKind.BORN_SEALED: "Sealed electronically when it was issued.",
    OriginKind.TYPESET_ANEW: "Set anew from a register's data, later than it was issued.",
    OriginKind.SCAN_ATTESTED: "A digital copy, compared with the original by a named officer.",
    OriginKind.SCAN_UNVERIFIED: "A digital copy that nobody has compared with the original.",
}


def origin_words(kind: OriginKind) -> tuple[str, str]:
    """The same in Chinese and in English, for pages and reports."""
    return _ZH[kind], _EN[kind]


def origin_json(origin: Origin) -> dict[str, Any]:
    """An origin as envelopes keep it and reports tell it."""
    digitised = origin.digitised
    if digitised is None:
        return {"kind": origin.kind.value}
    return {
        "kind": origin.kind.value,
        "authority": digitised.authority,
        "authority_name": digitised.authority_name,
        "officer": digitised.officer,
        "attested_on": None if digitised.attested_on is None else digitised.attested_on.isoformat(),
    }


def origin_from_json(value: Mapping[str, Any] | None) -> Origin:
    """The reverse of `origin_json`; what has none is from before there were imports: born sealed."""
    if value is None:
        return BORN_SEALED
    kind = OriginKind(value["kind"])
    if "authority" not in value:
        return Origin(kind)
    day = value["attested_on"]
    return Origin(
        kind,
        Digitisation(
            value["authority"],
            value["authority_name"],
            value["officer"],
            None if day is None else date.fromisoformat(day),
        ),
    )


def shown_origin(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """As every report shows it, with its words: the officer as the page names them."""
    said = origin_json(BORN_SEALED) if value is None else value
    zh, en = origin_words(OriginKind(said["kind"]))
    return {**_NOBODY, **said, "words": zh, "words_en": en}
