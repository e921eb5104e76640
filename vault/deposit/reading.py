"""From a request's JSON to a checked case: every problem found at once, each at its JSON pointer."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from vault.catalogue import check_face, check_holders, check_validity
from vault.errors import FieldProblem, InputError, NotPermitted
from vault.model.actors import ClientGrant
from vault.model.catalogue import CertificateType, DocumentFormat
from vault.model.certificate import (
    ApprovalResult,
    CompletedCase,
    HandedIn,
    HandedInMaterial,
    TrustLevel,
)
from vault.model.holders import Holder

# Real cases end in one to a handful of results; a hundred would be an import, which has its own way in.
RESULTS_MAX = 20
MATERIALS_MAX = 50
# ZZBH and service item codes: the longest that interfaces in use store (GB/T 36903 as implemented).
NUMBER_MAX_CHARS = 128
NAME_MAX_CHARS = 256
# A clock a little ahead of ours is no error; a case completed next week is.
CLOCK_SKEW_DAYS = 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# RFC 3339, 5.6: date-time with its offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class _Findings:
    """Collects problems so that a caller hears of all of them in one answer."""

    def __init__(self) -> None:
        self.problems: list[FieldProblem] = []

    def add(self, pointer: str, detail: str) -> None:
        self.problems.append(FieldProblem(pointer, detail))

    @contextmanager
    def under(self, pointer: str) -> Iterator[None]:
        """Keeps what the block finds wrong, with `pointer` in front, and goes on."""
        try:
            yield
        except InputError as error:
            self.problems.extend(error.under(pointer).problems)

    def raise_if_any(self) -> None:
        if self.problems:
            count = len(self.problems)
            fields = "field is" if count == 1 else "fields are"
            raise InputError(f"The deposit was refused: {count} {fields} wrong.", *self.problems)


def read_case(
    types: Mapping[str, CertificateType], client: ClientGrant, request: Mapping[str, Any], *, at: datetime
) -> CompletedCase:
    """Checks a deposit's JSON (its shape is the contract's already) against catalogue and grant.

    Raises:
        NotPermitted: a result is of a type or for an authority that the client's grant does not hold.
        InputError: with one problem for each bad field.
    """
    findings = _Findings()
    _check_grant(types, client, request["results"])
    head = request["case"]
    results = request["results"]
    materials = request.get("materials") or []
    today = at.astimezone(UTC).date()
    if not results and not materials:
        findings.add("/results", "The case hands in nothing: expected at least one result or material.")
    if len(results) > RESULTS_MAX:
        findings.add("/results", f"Expected at most {RESULTS_MAX} results, got {len(results)}.")
    if len(materials) > MATERIALS_MAX:
        findings.add("/materials", f"Expected at most {MATERIALS_MAX} materials, got {len(materials)}.")
    findings.raise_if_any()

    number = _text(findings, "/case/number", head["number"], NUMBER_MAX_CHARS)
    service_item = _text(findings, "/case/service_item", head["service_item"], NUMBER_MAX_CHARS)
    completed_at = _moment(findings, "/case/completed_at", head["completed_at"], at)
    applicants = _holders(findings, "/case/applicant", [head["applicant"]], today, single=True)
    read_results = [
        _result(findings, f"/results/{n}", types, client, value, today) for n, value in enumerate(results)
    ]
    _check_supersedes_once(findings, results)
    read_materials = [
        _material(findings, f"/materials/{n}", value, today) for n, value in enumerate(materials)
    ]
    findings.raise_if_any()
    assert completed_at is not None  # noqa: S101 - a missing one is among the findings
    return CompletedCase(
        client_id=client.client_id,
        number=number,
        service_item=service_item,
        completed_at=completed_at,
        applicant=applicants[0],
        results=tuple(result for result in read_results if result is not None),
        materials=tuple(material for material in read_materials if material is not None),
        acting_for=client.acting_for,
    )


def _check_grant(
    types: Mapping[str, CertificateType], client: ClientGrant, results: Sequence[Mapping[str, Any]]
) -> None:
    """Before anything else is looked at: who may not do it at all is not led on from field to field."""
    problems = []
    for n, value in enumerate(results):
        kind, named = types.get(value["type"]), value.get("issuing_authority")
        if kind is None:
            continue  # a slip, which the checks of the fields name
        known = named is not None and kind.authority(named) is not None
        if not client.covers_type(kind.code):
            problems.append(FieldProblem(f"/results/{n}/type", "This client may not issue this type."))
        elif not any(a.code in client.authorities for a in kind.authorities):
            detail = "This client acts for no authority that may issue this type."
            problems.append(FieldProblem(f"/results/{n}/type", detail))
        elif known and named not in client.authorities:
            detail = "This client does not act for this authority."
            problems.append(FieldProblem(f"/results/{n}/issuing_authority", detail))
    if problems:
        raise NotPermitted("The deposit was refused: the client's grant does not hold it.", *problems)


def _result(
    findings: _Findings,
    pointer: str,
    types: Mapping[str, CertificateType],
    client: ClientGrant,
    value: Mapping[str, Any],
    today: date,
) -> ApprovalResult | None:
    kind = types.get(value["type"])
    if kind is None:
        findings.add(
            f"{pointer}/type",
            "There is no certificate type with this code in force; GET /v1/catalogue/types lists them.",
        )
        return None
    before = len(findings.problems)
    authority = _authority(findings, f"{pointer}/issuing_authority", kind, client, value)
    number = _text(findings, f"{pointer}/number", value["number"], NUMBER_MAX_CHARS)
    holders = _holders(findings, f"{pointer}/holders", value["holders"], today)
    if len(holders) == len(value["holders"]):
        with findings.under(pointer):
            check_holders(kind, holders)
    issued_on = _date(findings, f"{pointer}/issued_on", value["issued_on"])
    valid_from = value.get("valid_from")
    valid_from = _date(
        findings, f"{pointer}/valid_from", value["issued_on"] if valid_from is None else valid_from
    )
    valid_to = value.get("valid_to")
    valid_to = None if valid_to is None else _date(findings, f"{pointer}/valid_to", valid_to)
    with findings.under(pointer):
        check_face(kind, value["fields"])
    formats = _formats(findings, f"{pointer}/formats", kind, value.get("formats"))
    document = _handed_in(findings, f"{pointer}/document", value.get("document"))
    supersedes = _uuid(findings, f"{pointer}/supersedes", value.get("supersedes"))
    if issued_on is None or valid_from is None:
        return None
    if (issued_on - today).days > CLOCK_SKEW_DAYS:
        findings.add(f"{pointer}/issued_on", "The date of issue lies in the future.")
    with findings.under(pointer):
        check_validity(kind, issued_on=issued_on, valid_from=valid_from, valid_to=valid_to)
    if len(findings.problems) > before or authority is None:
        return None
    return ApprovalResult(
        type_code=kind.code,
        issuing_authority=authority,
        number=number,
        holders=holders,
        issued_on=issued_on,
        valid_from=valid_from,
        valid_to=valid_to,
        fields=value["fields"],
        document=document,
        formats=formats,
        supersedes=supersedes,
    )


def _check_supersedes_once(findings: _Findings, results: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for n, result in enumerate(results):
        old = result.get("supersedes")
        if old is not None and old.lower() in seen:
            findings.add(f"/results/{n}/supersedes", "Another result of this case supersedes it already.")
        elif old is not None:
            seen.add(old.lower())


def _authority(
    findings: _Findings, pointer: str, kind: CertificateType, client: ClientGrant, value: Mapping[str, Any]
) -> str | None:
    entitled = [a.code for a in kind.authorities if a.code in client.authorities]
    named = value.get("issuing_authority")
    if named is not None:
        if named in entitled:
            return str(named)
        findings.add(pointer, f"Expected an authority that issues this type: {', '.join(entitled)}.")
        return None
    if len(entitled) == 1:
        return entitled[0]
    findings.add(pointer, f"Several authorities come into question: name one of {', '.join(entitled)}.")
    return None


def _holders(
    findings: _Findings,
    pointer: str,
    values: Sequence[Mapping[str, Any]],
    today: date,
    *,
    single: bool = False,
) -> tuple[Holder, ...]:
    found = []
    for n, value in enumerate(values):
        with findings.under(pointer if single else f"{pointer}/{n}"):
            found.append(Holder.parse(value["code_type"], value["code"], value["name"], today=today))
    return tuple(found)


def _formats(
    findings: _Findings, pointer: str, kind: CertificateType, value: Sequence[str] | None
) -> tuple[DocumentFormat, ...]:
    wanted = [f.value for f in kind.formats] if value is None else list(value)
    possible = [f.value for f in kind.formats]
    if not wanted or len(set(wanted)) != len(wanted) or not set(wanted) <= set(possible):
        findings.add(
            pointer,
            f"{kind.name} is made as {', '.join(possible)}: expected one or more of these, each once.",
        )
        return ()
    return tuple(DocumentFormat(f) for f in wanted)


def _handed_in(findings: _Findings, pointer: str, value: Mapping[str, Any] | None) -> HandedIn | None:
    if value is None:
        return None
    return HandedIn(_sha256(findings, f"{pointer}/sha256", value["sha256"]))


def _material(
    findings: _Findings, pointer: str, value: Mapping[str, Any], today: date
) -> HandedInMaterial | None:
    before = len(findings.problems)
    type_code = _text(findings, f"{pointer}/type", value["type"], NUMBER_MAX_CHARS)
    name = _text(findings, f"{pointer}/name", value["name"], NAME_MAX_CHARS)
    sha256 = _sha256(findings, f"{pointer}/sha256", value["sha256"])
    if value["trust"] not in list(TrustLevel):
        findings.add(f"{pointer}/trust", "Expected a trust level A, B, C or D.")
    holders = _holders(findings, f"{pointer}/holders", value["holders"], today)
    if not value["holders"]:
        findings.add(f"{pointer}/holders", "Expected at least one holder, got none.")
    if len({holder.code.identity for holder in holders}) != len(holders):
        findings.add(f"{pointer}/holders", "Expected each holder once, got one twice.")
    issued_on, valid_to = (
        None if value.get(key) is None else _date(findings, f"{pointer}/{key}", value[key])
        for key in ("issued_on", "valid_to")
    )
    if issued_on is not None and (issued_on - today).days > CLOCK_SKEW_DAYS:
        findings.add(f"{pointer}/issued_on", "The date of issue lies in the future.")
    if len(findings.problems) > before:
        return None
    return HandedInMaterial(type_code, name, sha256, TrustLevel(value["trust"]), holders, issued_on, valid_to)


def _text(findings: _Findings, pointer: str, value: str, max_chars: int) -> str:
    text = unicodedata.normalize("NFC", value).strip()
    if not 1 <= len(text) <= max_chars:
        findings.add(pointer, f"Expected 1 to {max_chars} characters, got {len(text)}.")
    elif any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text):
        findings.add(pointer, "Expected printable characters, got a control or invisible one.")
    return text


def _date(findings: _Findings, pointer: str, value: str) -> date | None:
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    findings.add(pointer, "Expected a date as YYYY-MM-DD.")
    return None


def _moment(findings: _Findings, pointer: str, value: str, at: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC) if _MOMENT.fullmatch(value) else None
    except (ValueError, OverflowError):  # 30 February; the year 1 in a zone ahead of UTC
        moment = None
    if moment is None:
        findings.add(pointer, "Expected a time in RFC 3339 with its offset, such as 2026-10-26T08:00:00Z.")
        return None
    if (moment - at).days >= CLOCK_SKEW_DAYS:
        findings.add(pointer, "The time lies in the future.")
    return moment


def _sha256(findings: _Findings, pointer: str, value: str) -> str:
    text = value.lower()
    if not _SHA256.fullmatch(text):
        findings.add(pointer, "Expected a SHA-256 digest: 64 hexadecimal digits.")
    return text


def _uuid(findings: _Findings, pointer: str, value: str | None) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        findings.add(pointer, "Expected the certificate_id of a certificate in the vault, as a UUID.")
        return None
