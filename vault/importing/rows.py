"""From a manifest's row to what is to be imported: held against the catalogue, the grant and itself."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from vault.catalogue import InForce
from vault.deposit.reading import read_result
from vault.errors import FieldProblem, InputError
from vault.importing.mapped_row import MappedRow, map_row
from vault.importing.mapping import RegisterMapping
from vault.importing.sheets import ManifestRow
from vault.model.actors import ClientGrant
from vault.model.catalogue import CertificateType, DocumentFormat
from vault.model.certificate import ApprovalResult
from vault.model.credit_code import SocialCreditCode
from vault.model.origin import SCANS, Digitisation, Origin, OriginKind
from vault.model.written import number_form

# What a register may say of a certificate that is in force.
IN_FORCE = frozenset({"", "valid", "有效"})
OFFICER_MAX_CHARS = 24


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row that may be imported. `file`: its name, if any; `origin`: what the manifest says it is."""

    row: int
    kind: CertificateType
    result: ApprovalResult
    origin: Origin
    file: str = field(repr=False)

    @property
    def lock(self) -> int:
        """A number for type, authority and number: what two imports may not import at once."""
        result = self.result
        text = "\x00".join((result.type_code, result.issuing_authority, number_form(result.number)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def wanted_row(
    mapping: RegisterMapping, row: ManifestRow, catalogue: InForce, client: ClientGrant, *, at: datetime
) -> Wanted:
    """What a row says, checked: its cells can be told, its fields fit the catalogue, its origin is said.

    Raises:
        InputError: with one problem for each field.
        NotPermitted: the client's grant does not hold its type or its authority.
    """
    if row.problem:
        raise InputError(row.problem)
    mapped = map_row(mapping, row.cells, catalogue.types)
    if mapped.status not in IN_FORCE:
        raise InputError.at(
            "/status", "The register says that it is no longer in force; what is in force is imported."
        )
    result = read_result(catalogue, client, mapped.result, at=at)
    kind = catalogue.types[result.type_code]
    if result.formats != (DocumentFormat.PDF,):
        result = _as_pdf(kind, result)
    return Wanted(row.number, kind, result, _origin(mapped, result, at), mapped.file)


def _as_pdf(kind: CertificateType, result: ApprovalResult) -> ApprovalResult:
    """An import makes PDFs."""
    if DocumentFormat.PDF not in kind.formats:
        raise InputError.at("/type", f"{kind.name} is not made as PDF, and an import makes PDFs.")
    return replace(result, formats=(DocumentFormat.PDF,))


def _origin(mapped: MappedRow, result: ApprovalResult, at: datetime) -> Origin:
    """What the manifest says that the file is; without a file it is typeset anew, whatever it says else."""
    if not mapped.file:
        if mapped.origin not in {"", OriginKind.TYPESET_ANEW}:
            raise InputError.at("/file", f"Expected a file for what is {mapped.origin}, got none.")
        return Origin(OriginKind.TYPESET_ANEW)
    if mapped.origin not in {kind.value for kind in OriginKind} or mapped.origin == OriginKind.TYPESET_ANEW:
        raise InputError.at(
            "/origin", "Expected what the file is: born_sealed, scan_attested or scan_unverified."
        )
    origin = OriginKind(mapped.origin)
    if origin not in SCANS:
        return Origin(origin)
    return Origin(origin, _digitisation(mapped, result, attested=origin is OriginKind.SCAN_ATTESTED, at=at))


def _digitisation(mapped: MappedRow, result: ApprovalResult, *, attested: bool, at: datetime) -> Digitisation:
    """Who made the copy: whom the manifest names, else the issuer itself. Its name is that of its seal."""
    problems = []
    code = mapped.attested_by or result.issuing_authority
    try:
        code = SocialCreditCode.parse(code).value
    except InputError:
        problems.append(
            FieldProblem("/attested/authority", "Expected the digitising authority's credit code.")
        )
    if attested and not 0 < len(mapped.officer) <= OFFICER_MAX_CHARS:
        detail = f"Expected the officer who compared it, in 1 to {OFFICER_MAX_CHARS} characters."
        problems.append(FieldProblem("/attested/officer", detail))
    if attested and mapped.attested_on is None:
        problems.append(FieldProblem("/attested/on", "Expected the day on which it was compared."))
    if mapped.attested_on is not None and mapped.attested_on > at.date():
        problems.append(FieldProblem("/attested/on", "The day lies in the future."))
    if problems:
        raise InputError("Who answers for the copy is not said.", *problems)
    if not attested:
        return Digitisation(code, "")
    return Digitisation(code, "", mapped.officer, mapped.attested_on)
