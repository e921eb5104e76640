"""From a request's JSON to a checked case: every problem found at once, each at its JSON pointer."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from vault.catalogue import InForce
from vault.deposit.forms import (
    CLOCK_SKEW_DAYS,
    Findings,
    read_date,
    read_holders,
    read_moment,
    read_sha256,
    read_text,
    read_uuid,
)
from vault.deposit.terms import FirstTime, ReadResult, SecondTime, Terms, issuers_for
from vault.errors import FieldProblem, InputError, NotPermitted
from vault.model.actors import ClientGrant
from vault.model.catalogue import CertificateType
from vault.model.certificate import (
    ApprovalResult,
    CompletedCase,
    HandedIn,
    HandedInMaterial,
    TrustLevel,
)

# Real cases end in one to a handful of results; a hundred would be an import, which has its own way in.
RESULTS_MAX = 20
MATERIALS_MAX = 50
# ZZBH and service item codes: the longest that interfaces in use store (GB/T 36903 as implemented).
NUMBER_MAX_CHARS = 128
NAME_MAX_CHARS = 256


def read_case(
    catalogue: InForce,
    client: ClientGrant,
    request: Mapping[str, Any],
    *,
    at: datetime,
    listed_items_only: bool = False,
) -> CompletedCase:
    """Checks a deposit's JSON (its shape is the contract's already) against catalogue and grant.

    `listed_items_only`: refuse a case whose service item the catalogue does not have.

    Raises:
        NotPermitted: a result is of a type or for an authority that the client's grant does not hold.
        InputError: with one problem for each bad field.
    """
    _check_grant(catalogue.types, client, request["results"])
    return _read(FirstTime(catalogue, client, listed_items_only), client.client_id, request, at)


def read_result(
    catalogue: InForce, client: ClientGrant, value: Mapping[str, Any], *, at: datetime
) -> ApprovalResult:
    """One result by itself, as a deposit's would be read: a row of a register's stock.

    Raises:
        NotPermitted: the client's grant does not hold its type or its authority.
        InputError: with one problem for each bad field, at its pointer within the result.
    """
    _check_grant(catalogue.types, client, [value])
    findings = Findings()
    terms = FirstTime(catalogue, client, listed_items_only=False)
    result = _result(findings, 0, terms, value, at.astimezone(UTC).date())
    alone = len("/results/0")
    if result is None or findings.problems:
        problems = (FieldProblem(each.pointer[alone:], each.detail) for each in findings.problems)
        raise InputError("The row cannot be taken as it is.", *problems)
    return result


def read_again(
    deposited: Mapping[str, Any], client_id: str, request: Mapping[str, Any], *, at: datetime
) -> CompletedCase:
    """Reads the JSON of a case that is deposited already, to compare it with what was `deposited`.

    Neither the catalogue nor the client's grant is asked: both may have changed since.

    Raises:
        InputError: with one problem for each field that could not have been taken then, either.
    """
    return _read(SecondTime(deposited["results"]), client_id, request, at)


def _read(terms: Terms, client_id: str, request: Mapping[str, Any], at: datetime) -> CompletedCase:
    findings = Findings()
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

    number = read_text(findings, "/case/number", head["number"], NUMBER_MAX_CHARS)
    service_item = read_text(findings, "/case/service_item", head["service_item"], NUMBER_MAX_CHARS)
    if isinstance(terms, FirstTime):
        terms.check_service_item(findings, "/case/service_item", service_item)
    completed_at = read_moment(findings, "/case/completed_at", head["completed_at"], at)
    applicants = read_holders(findings, "/case/applicant", [head["applicant"]], today, single=True)
    read_results = [_result(findings, n, terms, value, today) for n, value in enumerate(results)]
    _check_supersedes_once(findings, results)
    read_materials = [
        _material(findings, f"/materials/{n}", terms, value, today) for n, value in enumerate(materials)
    ]
    findings.raise_if_any()
    assert completed_at is not None  # noqa: S101 - a missing one is among the findings
    return CompletedCase(
        client_id=client_id,
        number=number,
        service_item=service_item,
        completed_at=completed_at,
        applicant=applicants[0],
        results=tuple(result for result in read_results if result is not None),
        materials=tuple(material for material in read_materials if material is not None),
        acting_for=terms.client.acting_for if isinstance(terms, FirstTime) else None,
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
        issuers = issuers_for(client, kind)
        if not issuers:
            detail = "This client may not issue this type for any of its authorities."
            problems.append(FieldProblem(f"/results/{n}/type", detail))
        elif known and named not in issuers:
            detail = "This client does not act for this authority."
            problems.append(FieldProblem(f"/results/{n}/issuing_authority", detail))
    if problems:
        raise NotPermitted("The deposit was refused: the client's grant does not hold it.", *problems)


def _result(
    findings: Findings, n: int, terms: Terms, value: Mapping[str, Any], today: date
) -> ApprovalResult | None:
    before, pointer = len(findings.problems), f"/results/{n}"
    number = read_text(findings, f"{pointer}/number", value["number"], NUMBER_MAX_CHARS)
    holders = read_holders(findings, f"{pointer}/holders", value["holders"], today)
    issued_on = read_date(findings, f"{pointer}/issued_on", value["issued_on"])
    valid_from = value.get("valid_from")
    valid_from = read_date(
        findings, f"{pointer}/valid_from", value["issued_on"] if valid_from is None else valid_from
    )
    valid_to = value.get("valid_to")
    valid_to = None if valid_to is None else read_date(findings, f"{pointer}/valid_to", valid_to)
    document = _handed_in(findings, f"{pointer}/document", value.get("document"))
    supersedes = read_uuid(findings, f"{pointer}/supersedes", value.get("supersedes"))
    if issued_on is not None and (issued_on - today).days > CLOCK_SKEW_DAYS:
        findings.add(f"{pointer}/issued_on", "The date of issue lies in the future.")
    settled = terms.settle(
        findings,
        n,
        ReadResult(
            type_code=value["type"],
            authority=value.get("issuing_authority"),
            holders=holders if len(holders) == len(value["holders"]) else None,
            issued_on=issued_on,
            valid_from=valid_from,
            valid_to=valid_to,
            fields=value["fields"],
            formats=value.get("formats"),
        ),
    )
    if len(findings.problems) > before or settled is None or issued_on is None or valid_from is None:
        return None
    return ApprovalResult(
        type_code=value["type"],
        issuing_authority=settled.authority,
        number=number,
        holders=holders,
        issued_on=issued_on,
        valid_from=valid_from,
        valid_to=valid_to,
        fields=value["fields"],
        document=document,
        formats=settled.formats,
        supersedes=supersedes,
    )


def _check_supersedes_once(findings: Findings, results: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for n, result in enumerate(results):
        old = result.get("supersedes")
        if old is not None and old.lower() in seen:
            findings.add(f"/results/{n}/supersedes", "Another result of this case supersedes it already.")
        elif old is not None:
            seen.add(old.lower())


def _handed_in(findings: Findings, pointer: str, value: Mapping[str, Any] | None) -> HandedIn | None:
    if value is None:
        return None
    return HandedIn(read_sha256(findings, f"{pointer}/sha256", value["sha256"]))


def _material(
    findings: Findings, pointer: str, terms: Terms, value: Mapping[str, Any], today: date
) -> HandedInMaterial | None:
    before = len(findings.problems)
    type_code = read_text(findings, f"{pointer}/type", value["type"], NUMBER_MAX_CHARS)
    name = read_text(findings, f"{pointer}/name", value["name"], NAME_MAX_CHARS)
    if isinstance(terms, FirstTime):
        terms.check_material(findings, f"{pointer}/type", type_code, name)
    sha256 = read_sha256(findings, f"{pointer}/sha256", value["sha256"])
    if value["trust"] not in list(TrustLevel):
        findings.add(f"{pointer}/trust", "Expected a trust level A, B, C or D.")
    holders = read_holders(findings, f"{pointer}/holders", value["holders"], today)
    if not value["holders"]:
        findings.add(f"{pointer}/holders", "Expected at least one holder, got none.")
    if len({holder.code.identity for holder in holders}) != len(holders):
        findings.add(f"{pointer}/holders", "Expected each holder once, got one twice.")
    issued_on, valid_to = (
        None if value.get(key) is None else read_date(findings, f"{pointer}/{key}", value[key])
        for key in ("issued_on", "valid_to")
    )
    if issued_on is not None and (issued_on - today).days > CLOCK_SKEW_DAYS:
        findings.add(f"{pointer}/issued_on", "The date of issue lies in the future.")
    if len(findings.problems) > before:
        return None
    return HandedInMaterial(type_code, name, sha256, TrustLevel(value["trust"]), holders, issued_on, valid_to)
