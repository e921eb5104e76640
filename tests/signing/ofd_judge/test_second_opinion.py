"""Files that pass, looked at with nothing of ours: `zipfile`, ElementTree, asn1crypto and openssl."""

import base64
import hashlib
import zipfile
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from asn1crypto import core

from tests.signing.ofd_judge.making import ours, packed
from tests.signing.ofd_judge.people import verifies

OFD = "{http://www.ofdspec.org/2016}"


def sm3(content: bytes) -> bytes:
    return hashlib.new("sm3", content).digest()


def _xml(encoded: bytes) -> ET.Element:
    return ET.fromstring(encoded)


def parts(encoded: bytes) -> list[bytes]:
    """The members of a SEQUENCE as they are encoded; bytes behind it are an error."""
    return [core.Asn1Value.dump(each) for each in core.SequenceOf.load(encoded, spec=core.Any, strict=True)]


def look_at(content: bytes) -> dict[str, int]:
    """How many digests each signature's own list was found to have, all right; asserts on what is not.

    1. every declared signature; 2. every digest in it, from the file's bytes; 3. the digest of Signature.xml
    in the signature value; 4. the SM2 value over the sliced TBS, by openssl; 5. the seal beside it.
    """
    archive = zipfile.ZipFile(BytesIO(content))
    files = {name: archive.read(name) for name in archive.namelist()}
    signatures = _xml(files["OFD.xml"]).find(f".//{OFD}Signatures")
    assert signatures is not None
    listing = str(signatures.text).strip().lstrip("/")
    counts = {}
    for line in _xml(files[listing]).iter(f"{OFD}Signature"):  # 1
        path = line.attrib["BaseLoc"].lstrip("/")
        root = _xml(files[path])
        references = list(root.iter(f"{OFD}Reference"))
        for reference in references:  # 2
            value = reference.find(f"{OFD}CheckValue")
            assert value is not None
            named = files[reference.attrib["FileRef"].lstrip("/")]
            assert base64.b64decode(value.text or "") == sm3(named), reference.attrib["FileRef"]
        counts[line.attrib["ID"]] = len(references)
        where = root.findtext(f"{OFD}SignedValue", "")
        folder = path.rpartition("/")[0]
        value_of = files[where.lstrip("/") if where.startswith("/") else f"{folder}/{where}"]
        if line.attrib.get("Type", "Seal") == "Seal":
            seal = _seal(value_of, files[path], path)
            esl = root.findtext(f"{OFD}SignedInfo/{OFD}Seal/{OFD}BaseLoc")
            assert esl is None or files[esl.lstrip("/")] == seal  # 5
        else:
            _bare(value_of, files[path])
    return counts


def _seal(value: bytes, signature_xml: bytes, path: str) -> bytes:
    tbs, certificate, _, signature, *_ = parts(value)
    _, seal, _, data_hash, property_info, *_ = parts(tbs)
    assert bytes(core.OctetBitString.load(data_hash)) == sm3(signature_xml)  # 3
    assert core.IA5String.load(property_info).native == f"/{path}"
    signer = core.OctetString.load(certificate).native
    assert verifies(signer, tbs, bytes(core.OctetBitString.load(signature)))  # 4
    info, maker, _, maker_signature = parts(seal)
    assert verifies(
        core.OctetString.load(maker).native, info, bytes(core.OctetBitString.load(maker_signature))
    )
    assert signer in seal
    return seal


def _bare(value: bytes, signature_xml: bytes) -> None:
    digest = sm3(signature_xml)
    _, wrapped = parts(value)
    version, _, content, certificates, signers = parts(_inside(wrapped))
    assert core.Integer.load(version).native == 1
    assert core.OctetString.load(_inside(parts(content)[1])).native == digest  # 3
    signature = core.OctetString.load(parts(_inside(signers))[-1]).native
    assert verifies(_inside(certificates), digest, signature)  # 4


def _inside(encoded: bytes) -> bytes:
    """What a tagged value or a SET of one holds."""
    content: bytes = core.load(encoded, strict=True).contents if encoded[0] == 0x31 else _contents(encoded)
    return content


def _contents(encoded: bytes) -> bytes:
    size = encoded[1]
    return encoded[2:] if size < 0x80 else encoded[2 + (size & 0x7F) :]


def test_every_digest_and_value_of_ours_holds_for_others() -> None:
    counts = look_at(packed(ours()))
    assert counts["s002"] == counts["s001"] + 3  # the seal's three files but one, and the list of signatures


def test_a_second_opinion_can_say_no() -> None:
    files = ours()
    with pytest.raises(AssertionError):
        look_at(packed({**files, "Doc_0/Ext.dat": b"other"}))
    value = files["Doc_0/Signs/Sign_0/SignedValue.dat"]
    with pytest.raises(AssertionError):
        look_at(packed({**files, "Doc_0/Signs/Sign_0/SignedValue.dat": value[:-1] + bytes([value[-1] ^ 1])}))
