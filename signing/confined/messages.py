"""What goes to a judging child and what comes back: JSON (sent by `signing.wire`), never pickled objects.

The child may have been taken over by the file: what it says is checked like anything from outside.
"""

import base64
import json
from datetime import datetime
from typing import Any

from signing.claims import Claims
from signing.examination import Examined
from signing.judge.revocation import RevocationKnowledge
from signing.judge.trust import ListedSeal, Trust
from vault.model.verdict import Check, CheckResult, Indication, SealReport, SignatureKind

# Trust: a hundred authorities' seals take 20 kB
JOB_MAX_BYTES = 16 * 1024 * 1024
# A page of 1,600 pixels takes 300 kB; one of noise, ten times as much
PICTURE_MAX_BYTES = 4 * 1024 * 1024
# 32 signatures with 16 checks of 200 characters take 150 kB
ANSWER_MAX_BYTES = 1024 * 1024
TEXT_MAX_CHARS = 2_000
LIST_MAX = 64


def job(trust: Trust, at: datetime) -> bytes:
    """Trust and time for a child; the file follows by itself."""
    seals = trust.seals
    value = {
        "at": at.isoformat(),
        "roots": [base64.b64encode(root).decode() for root in trust.roots],
        "seals": None
        if seals is None
        else [[s.certificate_sha256, s.authority, s.since.isoformat(), _iso(s.until)] for s in seals],
        "ocsps": [base64.b64encode(each).decode() for each in trust.knowledge.ocsps],
        "crls": [base64.b64encode(each).decode() for each in trust.knowledge.crls],
        "required": trust.knowledge.required,
        "national": [base64.b64encode(each).decode() for each in trust.national],
        "national_crls": [base64.b64encode(each).decode() for each in trust.national_crls],
    }
    return json.dumps(value).encode()


def picture_job(side_max_pixels: int) -> bytes:
    """A child is to draw the first page of the file that follows, and not to judge it."""
    return json.dumps({"side_max_pixels": side_max_pixels}).encode()


def read_job(encoded: bytes) -> tuple[Trust, datetime] | int:
    """The other end of `job`; of `picture_job` the side in pixels."""
    value = json.loads(encoded)
    if "side_max_pixels" in value:
        return int(value["side_max_pixels"])
    seals = value["seals"]
    trust = Trust(
        tuple(base64.b64decode(root) for root in value["roots"]),
        None
        if seals is None
        else tuple(ListedSeal(c, a, datetime.fromisoformat(s), _time(u)) for c, a, s, u in seals),
        RevocationKnowledge(
            tuple(base64.b64decode(each) for each in value["ocsps"]),
            tuple(base64.b64decode(each) for each in value["crls"]),
            value["required"],
        ),
        tuple(base64.b64decode(each) for each in value["national"]),
        tuple(base64.b64decode(each) for each in value["national_crls"]),
    )
    return trust, datetime.fromisoformat(value["at"])


def answer(examined: Examined) -> bytes:
    """What a child has found."""
    value = {
        "seals": [_seal(report) for report in examined.seals],
        "identifiers": list(examined.claims.identifiers),
        "tokens": list(examined.claims.tokens),
    }
    return json.dumps(value).encode()


def read_answer(encoded: bytes) -> Examined:
    """The other end of `answer`.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    value = json.loads(encoded)
    return Examined(
        tuple(_read_seal(seal) for seal in _listed(value["seals"])),
        Claims(
            tuple(_text(each) for each in _listed(value["identifiers"])),
            tuple(_text(each) for each in _listed(value["tokens"])),
        ),
    )


def _seal(report: SealReport) -> dict[str, Any]:
    return {
        "indication": report.indication,
        "sub_indication": report.sub_indication,
        "signer": report.signer,
        "certificate_sha256": report.certificate_sha256,
        "sealed_at": _iso(report.sealed_at),
        "proven_at": _iso(report.proven_at),
        "checks": [[check.name, check.result, check.detail[:TEXT_MAX_CHARS]] for check in report.checks],
        "kind": report.kind,
        "field_name": report.field_name,
        "authority": report.authority,
        "covered_bytes": report.covered_bytes,
    }


def _read_seal(value: dict[str, Any]) -> SealReport:
    covered = value["covered_bytes"]
    if type(covered) is not int or covered < 0:
        raise ValueError("Expected a number of bytes.")
    return SealReport(
        indication=Indication(value["indication"]),
        sub_indication=_optional(value["sub_indication"]),
        signer=_optional(value["signer"]),
        certificate_sha256=_optional(value["certificate_sha256"]),
        sealed_at=_time(value["sealed_at"]),
        proven_at=_time(value["proven_at"]),
        checks=tuple(
            Check(_text(name), CheckResult(result), _text(detail))
            for name, result, detail in _listed(value["checks"])
        ),
        kind=SignatureKind(value["kind"]),
        field_name=_optional(value["field_name"]),
        authority=_optional(value["authority"]),
        covered_bytes=covered,
    )


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise ValueError(f"Expected a list of at most {LIST_MAX}.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("Expected a text.")
    value.encode()  # half a pair of surrogates is no text: it could not be sent or stored
    return value[:TEXT_MAX_CHARS]


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("Expected a time with its zone.")
    return moment
