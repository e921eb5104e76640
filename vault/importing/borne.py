"""The seal that a file came with: nothing but the issuer's own seal counts as the issuer's."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from signing.judge.subject import subject_of
from signing.validate import ListedSeal, Trust, judge_pdf
from vault.errors import InputError
from vault.importing.rows import Wanted
from vault.model.certificate import SealLevel
from vault.model.verdict import Indication, SealReport, SignatureKind
from vault.verify.seal_list import SealOwner

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NOT_ITS_OWN = (
    "The file bears a seal of this vault that is not the ordinary seal of an issuer: a digital copy or a"
    " usage copy is not what was issued."
)


@dataclass(frozen=True, slots=True)
class Believed:
    """What files that bear a seal are judged by. `owners`: of the vault's seals, by their certificates."""

    trust: Trust = field(repr=False)
    owners: Mapping[str, frozenset[SealOwner]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Borne:
    """The seal that a file came with: its level, and the digests (SHA-256, hex) by which the file is known.

    `digests`: of the whole, and of what each of its seals covers: a time-stamp added since makes no new file.
    """

    level: SealLevel
    digests: frozenset[str]


def borne_seal(wanted: Wanted, content: bytes, believed: Believed, *, at: datetime) -> Borne:
    """Of the seal that a file came with: it stands, is trusted, and is the issuer's own.

    1. every seal passes: one of the vault's list by that list, others by the vault's roots alone. 2. none is
    the vault's seal for anything but what an issuer issues. 3. one is the issuer's: on the list its ordinary
    seal, elsewhere by an attribute of the signer's subject that is exactly its code, or its name.

    Raises:
        InputError: at its pointer, why not.
    """
    seals = _judged(content, believed, at)
    if not seals:
        raise InputError.at("/origin", "The file bears no seal: say scan_attested or scan_unverified.")
    for number, report in enumerate(seals, 1):  # 1
        if report.indication is not Indication.TOTAL_PASSED:
            failed = ", ".join(check.name for check in report.checks if check.result != "passed")
            raise InputError.at(
                "/file", f"Seal {number} of the file does not stand: {report.indication.value}, {failed}."
            )
    for report in seals:  # 2
        if any(owner.purpose is not None for owner in _owners(believed, report)):
            raise InputError.at("/origin", _NOT_ITS_OWN)
    if not any(_is_issuers(wanted, believed, report) for report in seals):  # 3
        raise InputError.at("/file", "The file bears a seal, and none of the authority that issues it.")
    level = SealLevel.B_B if seals[-1].proven_at is None else SealLevel.B_T
    covered = (content[: report.covered_bytes] for report in seals if report.covered_bytes)
    return Borne(level, frozenset(hashlib.sha256(part).hexdigest() for part in (content, *covered)))


def _judged(content: bytes, believed: Believed, at: datetime) -> list[SealReport]:
    """Reports on the seals; those of the vault's list are held against it, and no others."""
    reports = judge_pdf(content, trust=believed.trust, at=at)
    strange = {
        each.certificate_sha256
        for each in reports
        if each.kind is SignatureKind.SEAL and each.certificate_sha256 is not None
    } - believed.owners.keys()
    if strange:
        # On the list for this once: not to be on it is no fault of a seal that is not the vault's.
        known: Sequence[ListedSeal] = believed.trust.seals or ()
        added = (ListedSeal(sha256, "", _ALWAYS) for sha256 in sorted(strange))
        trust = replace(believed.trust, seals=(*known, *added))
        reports = judge_pdf(content, trust=trust, at=at)
    return [each for each in reports if each.kind is SignatureKind.SEAL]


def _owners(believed: Believed, report: SealReport) -> frozenset[SealOwner]:
    return believed.owners.get(report.certificate_sha256 or "", frozenset())


def _is_issuers(wanted: Wanted, believed: Believed, report: SealReport) -> bool:
    authority = wanted.result.issuing_authority
    owners = _owners(believed, report)
    if owners:
        return owners == {SealOwner(authority, None)}
    signer = subject_of(report.signer or "")
    if signer.of_person:
        return False
    if signer.registered:  # it says by number whose it is: no name outweighs that
        return set(signer.registered) == {authority}
    if authority in signer.serial_numbers:
        return True
    issuer = wanted.kind.authority(authority)
    if issuer is None:
        return False
    named = set(signer.common_names or signer.organisations)
    return named == {unicodedata.normalize("NFKC", issuer.name).strip()}
