"""Judging the signatures of an OFD: bytes, trust and a time come in, reports come out, in the words of PDF's.

Independent of the writer: no module that makes an OFD is imported here. Never raises on a bad file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.seal_list import against_record
from signing.judge.trust import RecordedSignatures, Trust
from signing.ofd_judge.coverage import Free, check_coverage, check_entrance_covered, left_free
from signing.ofd_judge.declared import Declared, read_declared
from signing.ofd_judge.digests import Digests, check_digests, check_method
from signing.ofd_judge.package import Package, read_package
from signing.ofd_judge.reach import Reached, reach
from signing.ofd_judge.signers import Signer, judge_signer
from signing.ofd_judge.structure import Entrance, check_entrance, read_entrance
from signing.ofd_judge.values import SignedValue, check_data_hash, check_property_info, read_value
from vault.errors import DocumentRefused
from vault.model.verdict import Check, CheckResult, Indication, SealReport, SignatureKind

# Each rule has its names; O7, the comparison with the record, is `recorded_signatures`.
CHECK_NAMES = (
    "package",  # O1
    "xml",  # O2
    "structure",  # O3
    "digest",  # O5
    "signed_value",  # O6
    "data_hash",  # O6
    "property_info",  # O6
    "signature",  # O6
    "seal_maker",  # O6
    "seal_copy",  # O6
    "seal_signers",  # O6
    "seal_validity",  # O6
    "signing_time",
    "timestamp",
    "chain",
    "revocation",
    "seal_list",
    "coverage",  # O4
)
# What a bare signature (GB/T 35275) has no part of
OF_SEALS = frozenset({"property_info", "seal_maker", "seal_copy", "seal_signers", "seal_validity"})


@dataclass(frozen=True, slots=True)
class _Case:
    """What every signature of one package is judged by."""

    package: Package
    entrance: Entrance
    signatures: str
    declared: tuple[Declared, ...]
    reached: Reached
    digests: Digests
    whole: Findings
    trust: Trust
    at: datetime
    ours: bool


@dataclass(frozen=True, slots=True)
class _Judged:
    """One signature as it stands by itself, before those that came later are looked at."""

    findings: Findings
    declared: Declared
    value: SignedValue | None = field(repr=False)
    signer: Signer
    free: Free | None

    def passed(self) -> bool:
        return not self.findings.failures


def judge_ofd(
    content: bytes,
    *,
    trust: Trust,
    at: datetime,
    recorded: RecordedSignatures | None = None,
    ours: bool = False,
) -> tuple[SealReport, ...]:
    """A report on each signature of an OFD, in the order of signing; empty when it has none.

    `at`: now. `ours`: the vault itself has just sealed it, so that nothing may be left free (O4); of a
    stranger's file the seal list says whose it is. First the file as a whole: O1 `package`, O2 `xml`. Then
    each signature:
    1. O3 `structure`: one DocBody, and the signature covers where it leads; 2. O5 `digest`: SM3, and each
    listed file is the one that was signed; 3. O6: `signed_value` is strict DER of a known shape; `data_hash`
    and `property_info` bind it to its Signature.xml; `signature`, the SM2 value; of a seal `seal_maker`: as
    its maker made it, and who that is, `seal_copy`, `seal_signers`, `seal_validity`; 4. `signing_time`,
    `timestamp`, `chain`, `revocation`, `seal_list` as for a PDF; 5. O4 `coverage`: of all that can be
    reached, and who signed later; 6. where `recorded` says what to expect, O7 `recorded_signatures`.

    A file that cannot be read gets one report, INDETERMINATE with FORMAT_FAILURE. Nothing is fetched.
    """
    try:
        case = _opened(content, trust, at, ours=ours)
        if case is None:
            return ()
        reports = _judge_all(case)
    except DocumentRefused as error:
        return (_unreadable(error.detail),)
    except Exception:  # noqa: BLE001 - the boundary: hostile files raise anything, and a judge reports
        return (_unreadable("The file is no OFD that can be read."),)
    return reports if recorded is None else against_record(reports, recorded)  # 6


def _opened(content: bytes, trust: Trust, at: datetime, *, ours: bool) -> _Case | None:
    """The file as a whole; None where it declares no signatures.

    Raises:
        DocumentRefused: it cannot be read.
    """
    package = read_package(content)
    entrance = read_entrance(package)
    declaring = [body for body in entrance.bodies if body.declares_signatures]
    if not declaring:
        return None
    if declaring[0].signatures is None:
        raise DocumentRefused("The package declares signatures, but its Signatures.xml is not there.")
    declared = read_declared(package, declaring[0].signatures)
    if not declared:
        return None
    findings = Findings()
    reached = reach(package)
    with findings.step("package"), _as_finding():
        if package.problem is not None:
            raise DocumentRefused(package.problem)
        findings.passed("package", "The package is one ZIP archive that every reader reads alike.")
    with findings.step("xml"), _as_finding():
        if reached.problem is not None:
            raise DocumentRefused(reached.problem)
        findings.passed("xml", "Its XML is UTF-8 without a DOCTYPE, and no text in it is in pieces.")
    return _Case(
        package,
        entrance,
        declaring[0].signatures,
        declared,
        reached,
        Digests(package),
        findings,
        trust,
        at,
        ours,
    )


def _judge_all(case: _Case) -> tuple[SealReport, ...]:
    """Each by itself first; then whether what it leaves free was brought by somebody who may sign."""
    judged = [_judge_one(case, declared) for declared in case.declared]
    strange = {name for each in judged if not each.passed() for name in each.declared.files()}
    for each in judged:
        if each.free is not None and each.free.later & strange:
            each.findings.overrule(
                "coverage",
                "Somebody who is not known to be entitled signed later, and may show something on its pages.",
                SubIndication.SIG_CONSTRAINTS_FAILURE,
            )
    return tuple(_report(each) for each in judged)


def _judge_one(case: _Case, declared: Declared) -> _Judged:
    findings = Findings()
    findings.adopt(case.whole)
    listed = declared.listed
    with findings.step("structure"), _as_finding():  # 1
        check_entrance(case.entrance)
        if listed is None:
            raise failure(SubIndication.UNREADABLE, declared.problem or "Its Signature.xml cannot be read.")
        check_entrance_covered(case.entrance, listed)
        findings.passed("structure", "OFD.xml has one document, and the signature covers where it leads.")
    value: SignedValue | None = None
    if listed is not None:
        with findings.step("digest"):  # 2
            check_method(listed)
            count = check_digests(case.digests, listed)
            findings.passed("digest", f"The SM3 of each of {count} files is the one that was signed.")
        with findings.step("signed_value"):  # 3
            value = read_value(findings, case.package, declared)
    signer = Signer()
    if value is not None:
        with findings.step("data_hash"):
            check_data_hash(value, declared)
            findings.passed("data_hash", "What was signed is this Signature.xml.")
        if value.seal is not None:
            with findings.step("property_info"):
                check_property_info(value, declared)
                findings.passed("property_info", "It was made for the place where it stands.")
        signer = judge_signer(findings, case.package, declared, value, case.trust, case.at)  # 3, 4
    free: Free | None = None
    if listed is not None:
        with findings.step("coverage"):  # 5
            free = left_free(case.package.files, case.reached, case.signatures, case.declared, declared)
            ours = case.ours or signer.authority is not None
            findings.passed("coverage", check_coverage(free, case.reached, ours=ours))
    bare = _is_bare(value)
    findings.not_reached(tuple(name for name in CHECK_NAMES if not (bare and name in OF_SEALS)))
    return _Judged(findings, declared, value, signer, free)


def _report(judged: _Judged) -> SealReport:
    indication, sub_indication = judged.findings.indication()
    signer = judged.signer
    return SealReport(
        indication=indication,
        sub_indication=sub_indication,
        signer=signer.subject,
        certificate_sha256=signer.certificate_sha256,
        sealed_at=None if judged.value is None else judged.value.claimed_at,
        proven_at=signer.proven_at,
        checks=tuple(judged.findings.checks),
        kind=SignatureKind.SIGNATURE if _is_bare(judged.value) else SignatureKind.SEAL,
        field_name=judged.declared.identifier,
        authority=signer.authority,
    )


def _is_bare(value: SignedValue | None) -> bool:
    """Whether it is known to be a signature without a seal."""
    return value is not None and value.seal is None


@contextmanager
def _as_finding() -> Iterator[None]:
    """What the gate refuses is no proof of tampering: the seal is left undecided."""
    try:
        yield
    except DocumentRefused as error:
        raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, error.detail) from error


def _unreadable(detail: str) -> SealReport:
    check = Check("readable", CheckResult.FAILED, detail)
    return SealReport(
        Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE.value, None, None, None, None, (check,)
    )
