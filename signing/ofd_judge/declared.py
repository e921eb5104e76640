"""The signatures that a package declares: Signatures.xml, and each Signature.xml with what it lists."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from signing.ofd_judge.locations import find, folder_of, joined
from signing.ofd_judge.markup import Budget, Element, read_xml
from signing.ofd_judge.package import Package
from vault.errors import DocumentRefused
from vault.model.legal_time import LEGAL_TIME

SIGNATURES_MAX = 32  # each is a digest over the whole file, as in a PDF
REFERENCES_MAX = 4_000  # twice as many as a package may have files
SIGNATURE_NODES_MAX = 500_000  # of all Signature.xml together: 32 with 4,000 references of three nodes

_MOMENTS = (("%Y%m%d%H%M%SZ", UTC), ("%Y%m%d%H%M%S.%fZ", UTC), ("%Y-%m-%d %H:%M:%S", LEGAL_TIME))


class Kind(StrEnum):
    """What a signature is by its own word: with a seal (GB/T 38540), or bare (GB/T 35275)."""

    SEAL = "Seal"
    SIGN = "Sign"


@dataclass(frozen=True, slots=True)
class Reference:
    """One file that a signature lists. `path`: its name in the package, None where it is not there.

    `location`: as it is written; `check_value`: its digest, None where that is no base64.
    """

    location: str
    path: str | None
    check_value: bytes | None


@dataclass(frozen=True, slots=True)
class Listed:
    """What a Signature.xml says. `value`, `seal`: names in the package, None where they are not there.

    `declares_seal`: it names a Seal.esl at all, which it need not. `claimed_at`: SignatureDateTime, which is
    text; None where it is in no form that was seen.
    """

    check_method: str | None
    references: tuple[Reference, ...] = field(repr=False)
    value: str | None
    seal: str | None
    declares_seal: bool
    claimed_at: datetime | None = None

    def covered(self) -> frozenset[str]:
        """The files that it covers, by name."""
        return frozenset(reference.path for reference in self.references if reference.path is not None)


@dataclass(frozen=True, slots=True)
class Declared:
    """One line of Signatures.xml. `path`: its Signature.xml, None where that is not there; `xml`: its bytes.

    `listed` None: it cannot be read, `problem` says why.
    """

    identifier: str
    kind: Kind
    path: str | None
    xml: bytes = field(repr=False)
    listed: Listed | None
    problem: str | None

    def own_files(self) -> frozenset[str]:
        """The two files that it cannot cover: Signature.xml and SignedValue.dat."""
        value = None if self.listed is None else self.listed.value
        return frozenset(path for path in (self.path, value) if path is not None)

    def files(self) -> frozenset[str]:
        """All that it brought into the package, with its Seal.esl."""
        seal = None if self.listed is None else self.listed.seal
        return self.own_files() | ({seal} if seal is not None else set())

    def folder(self) -> str | None:
        """Where it lies; makers put private files there."""
        return None if self.path is None else folder_of(self.path)


def read_declared(package: Package, signatures: str) -> tuple[Declared, ...]:
    """The signatures that a Signatures.xml lists, in its order, which is that of signing.

    Raises:
        DocumentRefused: it cannot be read, lists too many, or two of one name or place.
    """
    root = read_xml(package.files[signatures])
    lines = root.all("Signature")
    if len(lines) > SIGNATURES_MAX:
        raise DocumentRefused(f"The package declares more than {SIGNATURES_MAX} signatures.")
    budget = Budget(SIGNATURE_NODES_MAX)
    declared = tuple(_declared(package, signatures, line, budget) for line in lines)
    names = [each.identifier for each in declared]
    places = [each.path for each in declared if each.path is not None]
    if len(set(names)) != len(names) or len(set(places)) != len(places):
        raise DocumentRefused("O3: two signatures are declared under one name, or in one place.")
    return declared


def _declared(package: Package, signatures: str, line: Element, budget: Budget) -> Declared:
    kind = Kind.SIGN if line.attributes.get("Type") == Kind.SIGN else Kind.SEAL
    identifier = line.attributes.get("ID", "")
    path = find(package, signatures, line.attributes.get("BaseLoc", ""))
    if path is None:
        problem = "The signature is declared, but its Signature.xml is not in the package."
        return Declared(identifier, kind, None, b"", None, problem)
    xml = package.files[path]
    try:
        return Declared(identifier, kind, path, xml, _listed(package, path, read_xml(xml, budget)), None)
    except DocumentRefused as error:
        return Declared(identifier, kind, path, xml, None, error.detail)


def _listed(package: Package, path: str, root: Element) -> Listed:
    info = root.one("SignedInfo")
    if root.name != "Signature" or info is None:
        raise DocumentRefused("A Signature.xml has no SignedInfo.")
    references = info.one("References")
    lines = [] if references is None else references.all("Reference")
    if references is None or not 1 <= len(lines) <= REFERENCES_MAX:
        raise DocumentRefused(f"A signature lists {len(lines)} files; 1 to {REFERENCES_MAX} are taken.")
    listed = tuple(_reference(package, path, line) for line in lines)
    targets = [reference.path for reference in listed if reference.path is not None]
    if len(set(targets)) != len(targets):
        raise DocumentRefused("O5: a signature lists one file twice.")
    seal = info.one("Seal")
    seal_location = None if seal is None else seal.value("BaseLoc")
    value_location = root.value("SignedValue")
    return Listed(
        references.attributes.get("CheckMethod"),
        listed,
        None if value_location is None else find(package, path, value_location),
        None if seal_location is None else find(package, path, seal_location),
        declares_seal=seal is not None,
        claimed_at=_moment(info.value("SignatureDateTime")),
    )


def _moment(written: str | None) -> datetime | None:
    """In the forms that real files have; those without a zone are legal time, UTC+8."""
    for form, zone in _MOMENTS:
        try:
            return datetime.strptime(written or "", form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _reference(package: Package, holder: str, line: Element) -> Reference:
    location = line.attributes.get("FileRef", "")
    path = joined(folder_of(holder), location)
    written = line.value("CheckValue")
    return Reference(location, None if path is None else package.find(path), _decoded(written))


def _decoded(written: str | None) -> bytes | None:
    try:
        return base64.b64decode(written or "", validate=True) or None
    except (binascii.Error, ValueError):
        return None
