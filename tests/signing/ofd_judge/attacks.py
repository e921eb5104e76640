"""Files that are made wrong in one way, by the tests' own maker."""

import hashlib
from dataclasses import replace
from datetime import timedelta

from signing.validate import ListedSeal, Trust
from tests.signing.ofd_judge.making import (
    NOW,
    SIGNATURES,
    Files,
    Seal,
    Sealing,
    closing,
    ours,
    packed,
    page,
    plain,
    sealed,
    tlv,
    usual_seal,
)
from tests.signing.ofd_judge.people import people
from tests.signing.ofd_judge.zips import STORED, Item, items_of, with_item, zipped

AUTHORITY, PLATFORM = "11110000000021135M", "91350100M000100Y43"
PAGE, IMAGE = "Doc_0/Pages/Page_0/Content.xml", "Doc_0/Res/image_4.png"
FIRST, FIRST_VALUE = "Doc_0/Signs/Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/SignedValue.dat"


def trust() -> Trust:
    """The root, no list of seals."""
    return Trust((people().root.certificate,))


def listed() -> Trust:
    """The root, and the signer's and the platform's seals on the list."""
    lines = tuple(
        ListedSeal(hashlib.sha256(person.certificate).hexdigest(), whose, NOW - timedelta(days=100))
        for person, whose in ((people().signer, AUTHORITY), (people().platform, PLATFORM))
    )
    return replace(trust(), seals=lines)


def closed(files: Files) -> bytes:
    """Sealed, closed and packed."""
    return packed(sealed(sealed(files), closing()))


def changed(files: Files, name: str, body: bytes) -> Files:
    """With one file put differently, after it was signed."""
    assert name in files
    return {**files, name: body}


def replaced(files: Files, name: str, old: bytes, new: bytes) -> Files:
    """With some bytes of one file put differently."""
    assert old in files[name]
    return {**files, name: files[name].replace(old, new)}


# ---- O1: the package --------------------------------------------------------------------------------------


def two_of_one_name() -> bytes:
    """The first of them is what a streaming reader shows."""
    return zipped([Item(PAGE.encode(), page("别的")), *items_of(ours())])


def drive_name() -> bytes:
    """A name that is a path on another disk, covered as any other."""
    return closed({**plain(), "C:evil.xml": b"<a/>"})


def symbolic_link() -> bytes:
    """A file that unpacks to a link."""
    return zipped(with_item(ours(), "Doc_0/Ext.dat", external=0o120777 << 16, made_by=3 << 8))


def other_local_name() -> bytes:
    """Its header names another file than the directory."""
    return zipped(with_item(ours(), PAGE, local_name=PAGE.replace("Page_0", "Page_1").encode()))


def bytes_behind() -> bytes:
    """Something stands behind the package."""
    return packed(ours()) + b"<script>"


def two_files_in_one() -> bytes:
    """A PDF stored as the first file: readers of PDF find it."""
    first = "a.pdf"
    files = sealed(sealed({first: b"%PDF-1.7 ...", **plain()}), closing())
    return zipped([replace(item, method=STORED) for item in items_of(files)])


# ---- O2: XML ----------------------------------------------------------------------------------------------


def doctype() -> bytes:
    """A DOCTYPE in a page, signed as it is."""
    files = plain()
    return closed(replaced(files, PAGE, b"?>\n", b"?>\n<!DOCTYPE Page>\n"))


def text_in_pieces() -> bytes:
    """DocRoot with a comment in it: a reader that takes the first piece opens nothing, or something else."""
    return closed(replaced(plain(), "OFD.xml", b"Doc_0/Document.xml", b"Doc_0/<!-- -->Document.xml"))


# ---- O3 and O4: what is covered ---------------------------------------------------------------------------


def other_document_root() -> bytes:
    """OFD.xml is not covered, and DocRoot has come to name another document, which is covered, too."""
    files = plain()
    files["Doc_0/Old.xml"] = files["Doc_0/Document.xml"]
    how = Sealing(leaves=(SIGNATURES, "OFD.xml"))
    return packed(replaced(sealed(files, how), "OFD.xml", b"Doc_0/Document.xml", b"Doc_0/Old.xml"))


def two_bodies() -> bytes:
    """Two documents in one package."""
    files = plain()
    body = files["OFD.xml"]
    start, end = body.index(b"<ofd:DocBody>"), body.index(b"</ofd:OFD>")
    files["OFD.xml"] = body[:end] + body[start:end] + body[end:]
    return closed(files)


def free_template() -> bytes:
    """A template page is not covered, and shows another thing now."""
    template = "Doc_0/Tpls/Tpl_0/Content.xml"
    files = sealed(plain(), Sealing(leaves=(SIGNATURES, template)))
    return packed(changed(files, template, page("别的")))


def free_font() -> bytes:
    """A font is not covered: with another one the page reads differently."""
    font = "Doc_0/Res/font_3.ttf"
    return packed(changed(sealed(plain(), Sealing(leaves=(SIGNATURES, font))), font, b"another font"))


def added_file() -> bytes:
    """Something lies in the package that nobody signed and nothing leads to."""
    return packed({**ours(), "Doc_0/payload.exe": b"MZ"})


# ---- O5: digests ------------------------------------------------------------------------------------------


def method_unsaid() -> bytes:
    """No CheckMethod: MD5, by the standard."""
    return packed(sealed(plain(), Sealing(check_method=None)))


def method_keyed() -> bytes:
    """SM3 with a key."""
    return packed(sealed(plain(), Sealing(check_method="1.2.156.10197.1.401.2")))


def weak_digests(name: str) -> bytes:
    """Digests by MD5 or SHA-1."""
    how = Sealing(check_method=name, digest=lambda body: hashlib.new(name, body).digest())
    return packed(sealed(plain(), how))


def other_picture() -> bytes:
    """A resource that was signed is another one now."""
    return packed(changed(ours(), IMAGE, b"\x89PNG\r\n\x1a\n another"))


def file_gone() -> bytes:
    """A file that was signed is gone."""
    return packed({name: body for name, body in ours().items() if name != "Doc_0/Attachs/face.json"})


# ---- O6: seals --------------------------------------------------------------------------------------------


def one_seal(how: Sealing) -> bytes:
    """A document under one seal."""
    return packed(sealed(plain(), how))


def trailing_der() -> bytes:
    """Bytes behind the signature value."""
    return one_seal(Sealing(behind=b"\x00\x00"))


def first_version() -> bytes:
    """V1, well made."""
    return one_seal(Sealing(version=1))


def transplanted_value() -> bytes:
    """The signature value of another document of the same signer."""
    other = sealed({**plain(), PAGE: page("别的")})
    return packed(changed(sealed(plain()), FIRST_VALUE, other[FIRST_VALUE]))


def made_for_another_place() -> bytes:
    """PropertyInfo names another Signature.xml."""
    return one_seal(Sealing(property_info="/Doc_0/Signs/Sign_7/Signature.xml"))


def broken_value() -> bytes:
    """One bit of the SM2 value is another."""
    files = sealed(plain())
    value = files[FIRST_VALUE]
    return packed(changed(files, FIRST_VALUE, value[:-1] + bytes([value[-1] ^ 1])))


def other_seal_picture() -> bytes:
    """The signer put another picture into the maker's seal, and signed with that."""
    old, new = b"\x89PNG\r\n\x1a\n a seal", b"\x89PNG\r\n\x1a\n a SEAL"
    seal = usual_seal()
    assert seal.count(old) == 1
    return one_seal(Sealing(seal=seal.replace(old, new)))


def seal_by_nobody() -> bytes:
    """A seal of the signer's own making."""
    return one_seal(Sealing(seal=Seal(maker=people().stranger).encoded()))


def picture_of_another_seal() -> bytes:
    """Seal.esl, which readers show, is another seal of the same maker."""
    return one_seal(Sealing(esl=Seal(picture=b"\x89PNG\r\n\x1a\n b seal").encoded()))


def signer_not_in_its_list() -> bytes:
    """Somebody else's certificate, though of the same root."""
    return one_seal(Sealing(seal=Seal(signers=(people().other_signer,)).encoded()))


def outside_its_validity() -> bytes:
    """The seal was not yet in use when it was used."""
    return one_seal(Sealing(seal=Seal(since=NOW + timedelta(days=1)).encoded()))


def signed_in_the_future() -> bytes:
    """Dated ahead."""
    return one_seal(Sealing(at=NOW + timedelta(days=1)))


def by_a_stranger() -> bytes:
    """A signer of no known root, with a seal that lists them."""
    stranger = people().stranger
    return one_seal(Sealing(signer=stranger, seal=Seal(signers=(stranger,)).encoded()))


def a_stranger_signs_later() -> bytes:
    """Our seal is not closed, and a stranger's seal is put over the page."""
    stranger = people().stranger
    how = Sealing(signer=stranger, seal=Seal(signers=(stranger,)).encoded())
    return packed(sealed(sealed(plain()), how))


def stripped() -> bytes:
    """Without the closing signature: what is left is as it was before it."""
    return packed(sealed(plain()))


def resealed() -> bytes:
    """Another entitled signer seals the same content; nothing in the file is wrong."""
    other = people().other_signer
    return closed_by(Sealing(signer=other, seal=Seal(signers=(other,)).encoded()))


def closed_by(how: Sealing) -> bytes:
    """A seal made so, then closed."""
    return packed(sealed(sealed(plain(), how), closing()))


def raw_value() -> bytes:
    """The SM2 value as r and s side by side, which is no attack."""
    files = sealed(plain())
    value = files[FIRST_VALUE]
    tbs_size = 4 + int.from_bytes(value[6:8], "big")
    tbs, rest = value[4 : 4 + tbs_size], value[4 + tbs_size :]
    at = rest.rindex(b"\x03", 0, len(rest) - 64)
    encoded = rest[at + 3 :]
    r_size = encoded[3]
    numbers = (encoded[4 : 4 + r_size], encoded[6 + r_size :])
    raw = b"".join(number.lstrip(b"\x00").rjust(32, b"\x00") for number in numbers)
    return packed({**files, FIRST_VALUE: tlv(0x30, tbs, rest[:at], tlv(0x03, b"\x00", raw))})
