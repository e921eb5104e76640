"""Second opinions on a sealed OFD: digests by `hashlib` over what `zipfile` reads, SM2 by `openssl`.

Parsed anew with ElementTree and thirty lines for DER: nothing of the writer is used.
"""

import base64
import hashlib
import posixpath
import subprocess
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

SPACE = "{http://www.ofdspec.org/2016}"
SM2_ID = "distid:1234567812345678"


@dataclass(frozen=True)
class Opinion:
    """One signature of a package as this reader sees it. `wrong`: files whose digest is another."""

    id: str
    kind: str
    path: str
    covers: frozenset[str]
    wrong: frozenset[str]
    stamp: dict[str, str]
    value: bytes = field(repr=False)
    seal: bytes | None = field(repr=False)
    digest: bytes = field(repr=False)


def opinions(document: bytes) -> list[Opinion]:
    """Every signature of a package, in the order of its list."""
    with zipfile.ZipFile(BytesIO(document)) as held:
        files = {name: held.read(name) for name in held.namelist()}
    listing = ET.fromstring(files["OFD.xml"]).findtext(f"{SPACE}DocBody/{SPACE}Signatures")
    assert listing is not None
    found = []
    for entry in ET.fromstring(files[listing.lstrip("/")]).iterfind(f"{SPACE}Signature"):
        path = _place(entry.attrib["BaseLoc"], listing.lstrip("/"))
        root = ET.fromstring(files[path])
        information = root.find(f"{SPACE}SignedInfo")
        assert information is not None
        references = information.find(f"{SPACE}References")
        assert references is not None
        checked = {
            reference.attrib["FileRef"].lstrip("/"): base64.b64decode(
                reference.findtext(f"{SPACE}CheckValue") or ""
            )
            for reference in references
        }
        if references.get("CheckMethod") != "1.2.156.10197.1.401":
            checked = {}  # another maker's, with another digest
        wrong = {name for name, value in checked.items() if hashlib.new("sm3", files[name]).digest() != value}
        seal = information.findtext(f"{SPACE}Seal/{SPACE}BaseLoc")
        stamp = information.find(f"{SPACE}StampAnnot")
        value = root.findtext(f"{SPACE}SignedValue")
        assert value is not None
        found.append(
            Opinion(
                entry.attrib["ID"],
                entry.get("Type", "Seal"),
                path,
                frozenset(checked),
                frozenset(wrong),
                {} if stamp is None else dict(stamp.attrib),
                files[_place(value, path)],
                None if seal is None else files[seal.lstrip("/")],
                hashlib.new("sm3", files[path]).digest(),
            )
        )
    return found


def _place(location: str, holder: str) -> str:
    """An ST_Loc as a name in the package."""
    return location[1:] if location.startswith("/") else posixpath.join(posixpath.dirname(holder), location)


@dataclass(frozen=True)
class SesParts:
    """An SES_Signature cut into what `openssl` is asked about."""

    tbs: bytes
    seal: bytes
    data_hash: bytes
    property_info: str
    certificate: bytes
    signature: bytes


def ses_parts(value: bytes) -> SesParts:
    """SES_Signature of version 4."""
    tbs, certificate, _, signature = _members(value)
    _, seal, _, data_hash, property_info = _members(tbs)[:5]
    return SesParts(
        tbs,
        seal,
        _inside(data_hash)[1:],  # the count of unused bits
        _inside(property_info).decode("ascii"),
        _inside(certificate),
        _inside(signature)[1:],
    )


def signed_data_parts(value: bytes) -> tuple[bytes, bytes, bytes]:
    """A GB/T 35275 SignedData's content, its signer's certificate and the signature."""
    _, wrapped = _members(value)
    _, _, content, certificates, signers = _members(_inside(wrapped))
    (signer,) = _members(signers)
    fields = _members(signer)
    (own,) = [each for each in _members(certificates) if _issuer_and_serial(each) == _members(fields[1])]
    return _inside(_inside(_members(content)[1])), own, _inside(fields[-1])


def _issuer_and_serial(certificate: bytes) -> list[bytes]:
    fields = _members(_members(certificate)[0])
    return [fields[3], fields[1]]


def _inside(element: bytes) -> bytes:
    """What an element of DER holds."""
    return element[_header_bytes(element) :]


def _members(element: bytes) -> list[bytes]:
    """The elements in an element of DER."""
    rest, found = _inside(element), []
    while rest:
        size = _header_bytes(rest) + _length(rest)
        found.append(rest[:size])
        rest = rest[size:]
    return found


def _header_bytes(element: bytes) -> int:
    return 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)


def _length(element: bytes) -> int:
    if not element[1] & 0x80:
        return element[1]
    return int.from_bytes(element[2 : _header_bytes(element)], "big")


def openssl_accepts(certificate: bytes, message: bytes, signature: bytes, folder: Path) -> bool:
    """Whether `openssl` finds the certificate's key under the message, with the standard user id."""
    (folder / "certificate.der").write_bytes(certificate)
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    public = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", "certificate.der", "-noout", "-pubkey"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout
    (folder / "public.pem").write_bytes(public)
    arguments = ["-verify", "public.pem", "-signature", "signature", "message"]
    done = subprocess.run(
        ["openssl", "dgst", "-sm3", "-sigopt", SM2_ID, *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
