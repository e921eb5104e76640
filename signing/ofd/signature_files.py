"""The XML files of signatures: Signature.xml, and the list of signatures with another one in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from signing.ofd.geometry import number
from signing.ofd.package import Entry
from signing.ofd.structure import OfdStructure, children, local, parsed
from vault.errors import DocumentRefused

NAMESPACE: Final = "http://www.ofdspec.org/2016"
# The XSD of 2016 knows MD5 and SHA1 alone here; every sealed file in the field has SM3, by this OID.
CHECK_METHOD: Final = "1.2.156.10197.1.401"
SIGNATURE_METHOD: Final = "1.2.156.10197.1.501"
PROVIDER: Final = "certvault"
PROVIDER_VERSION: Final = "1.0"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NUMBER_AT_END = re.compile(r"(\d{1,9})$")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a seal's picture stands: the page's ID, and its box in mm: left, top, width, height."""

    page_id: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """What a Signature.xml says. `references`: file and base64 SM3; `seal_path`: its Seal.esl, if any."""

    folder: str
    number: int
    at: datetime
    references: Iterable[tuple[str, str]] = field(repr=False)
    stamp: Stamp | None = None
    seal_path: str | None = None

    def xml(self) -> bytes:
        """The file, in the order of the XSD, with places from the package's root."""
        listed = "".join(
            f"<ofd:Reference FileRef={quoteattr('/' + name)}>"
            f"<ofd:CheckValue>{value}</ofd:CheckValue></ofd:Reference>"
            for name, value in self.references
        )
        stamp = seal = ""
        if self.stamp is not None:
            box = " ".join(number(part) for part in self.stamp.box)
            stamp = (
                f'<ofd:StampAnnot ID="sa{self.number:03d}" PageRef="{self.stamp.page_id}" Boundary="{box}"/>'
            )
        if self.seal_path is not None:
            seal = f"<ofd:Seal><ofd:BaseLoc>/{self.seal_path}</ofd:BaseLoc></ofd:Seal>"
        return (
            f'{_HEAD}<ofd:Signature xmlns:ofd="{NAMESPACE}"><ofd:SignedInfo>'
            f'<ofd:Provider ProviderName="{PROVIDER}" Version="{PROVIDER_VERSION}"/>'
            f"<ofd:SignatureMethod>{SIGNATURE_METHOD}</ofd:SignatureMethod>"
            f"<ofd:SignatureDateTime>{self.at.astimezone(UTC):%Y%m%d%H%M%SZ}</ofd:SignatureDateTime>"
            f'<ofd:References CheckMethod="{CHECK_METHOD}">{listed}</ofd:References>{stamp}{seal}'
            f"</ofd:SignedInfo><ofd:SignedValue>/{self.folder}/SignedValue.dat</ofd:SignedValue>"
            "</ofd:Signature>"
        ).encode()


def next_number(structure: OfdStructure) -> int:
    """The number of the next signature: one more than the highest that an ID or MaxSignId ends in."""
    ids = [signed.id for signed in structure.signed] + [structure.max_sign_id or ""]
    numbers = [int(found[1]) for found in map(_NUMBER_AT_END.search, ids) if found is not None]
    return max(numbers, default=0) + 1


def extended_list(old: Entry | None, added: Iterable[tuple[int, str, str]]) -> bytes:
    """Signatures.xml with more signatures behind those there: number, type and Signature.xml's path."""
    if old is None:
        root = etree.Element(f"{{{NAMESPACE}}}Signatures", nsmap={"ofd": NAMESPACE})
    else:
        root = parsed(old.content())
        if local(root) != "Signatures":
            raise DocumentRefused("The OFD is damaged: its list of signatures is none.")
    namespace = etree.QName(root).namespace
    space = f"{{{namespace}}}" if namespace else ""
    for sign_number, kind, path in added:
        entry = etree.SubElement(root, f"{space}Signature")
        entry.set("ID", f"s{sign_number:03d}")
        entry.set("Type", kind)
        entry.set("BaseLoc", f"/{path}")
        highest = next(iter(children(root, "MaxSignId")), None)
        if highest is None:
            highest = etree.Element(f"{space}MaxSignId")
            root.insert(0, highest)
        highest.text = f"s{sign_number:03d}"
    return _serialised(root)


def declaring(structure: OfdStructure, old: Entry) -> bytes:
    """OFD.xml with its Signatures element, which stands last in DocBody."""
    root = parsed(old.content())
    body = children(root, "DocBody")[0]
    for empty in children(body, "Signatures"):
        body.remove(empty)
    namespace = etree.QName(body).namespace
    element = etree.SubElement(body, f"{{{namespace}}}Signatures" if namespace else "Signatures")
    element.text = f"/{structure.signatures_path}"
    return _serialised(root)


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")  # type: ignore[no-any-return]  # bytes for an encoding
