"""Sealing and closing: what is covered, by whom it is signed, and what can not be signed any more."""

import gc
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from operator import methodcaller
from os import urandom
from pathlib import Path

import pytest

from signing.keys import SealingKey
from signing.ofd import OfdPlace, close_ofd, seal_ofd
from signing.ofd_judge import check_ofd
from tests.signing.ofd.documents import both_formats, repacked
from tests.signing.ofd.drawing import Package
from tests.signing.ofd.opinions import openssl_accepts, opinions, ses_parts, signed_data_parts
from tests.signing.ofd.sealing import NOW, PLACE, new_sealing, sealed
from vault.errors import DocumentRefused, InputError, SignatureError

_LIST = "Doc_0/Signs/Signatures.xml"
_DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "b">]>'
_FORBIDDEN = b"<ofd:Permissions><ofd:Signature>false</ofd:Signature></ofd:Permissions>"
_MISSING = b'<ofd:Signature ID="s001" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/>'


def _document() -> bytes:
    return both_formats("营业执照").ofd


def _raw(document: bytes) -> dict[str, tuple[int, int, bytes]]:
    """Every entry as it is packed, through the standard library's reader."""
    found = {}
    with zipfile.ZipFile(BytesIO(document)) as held:
        for entry in held.infolist():
            start = entry.header_offset + 30 + len(entry.filename.encode())
            found[entry.filename] = (
                entry.compress_type,
                entry.CRC,
                document[start : start + entry.compress_size],
            )
    return found


def test_the_seal_covers_everything_but_the_list_and_the_closing_signature_that_too() -> None:
    document = sealed(_document())
    first, second = opinions(document)
    names = set(Package.of(document).files)
    own = {f"Doc_0/Signs/Sign_{i}/{name}" for i in (0, 1) for name in ("Signature.xml", "SignedValue.dat")}
    seal_file = "Doc_0/Signs/Sign_0/Seal.esl"
    assert (first.id, first.kind, second.id, second.kind) == ("s001", "Seal", "s002", "Sign")
    assert first.covers == names - own - {_LIST}
    assert seal_file in first.covers
    assert second.covers == names - {name for name in own if "Sign_1" in name}
    assert _LIST in second.covers
    assert not first.wrong | second.wrong
    assert b'CheckMethod="1.2.156.10197.1.401"' in Package.of(document).files[first.path]


def test_openssl_finds_both_signatures(tmp_path: Path) -> None:
    keys = new_sealing()
    first, second = opinions(sealed(_document()))
    parts = ses_parts(first.value)
    assert parts.data_hash == first.digest
    assert parts.property_info == "/Doc_0/Signs/Sign_0/Signature.xml"
    assert parts.certificate == keys.signer.certificate
    assert parts.seal == first.seal == keys.seal
    assert openssl_accepts(parts.certificate, parts.tbs, parts.signature, tmp_path)
    assert not openssl_accepts(parts.certificate, parts.tbs + b"\0", parts.signature, tmp_path)
    content, certificate, signature = signed_data_parts(second.value)
    assert content == second.digest
    assert certificate == keys.platform.certificate
    assert openssl_accepts(certificate, content, signature, tmp_path)


def test_the_picture_stands_on_the_page_that_was_asked_for() -> None:
    made = both_formats("建设项目环境影响报告书批复")
    assert made.typeset.page_count == 2
    place = OfdPlace(page=2, x_mm=140, y_mm=130, width_mm=42, height_mm=40)
    stamp = opinions(sealed(made.ofd, place=place))[0].stamp
    assert stamp["PageRef"] == str(Package.of(made.ofd).pages()[1][0])
    assert stamp["Boundary"] == "119 110 42 40"


def test_what_was_in_the_file_stays_as_it_was_packed() -> None:
    before, after = _raw(_document()), _raw(sealed(_document()))
    assert [*after][: len(before)] == [*before]
    assert all(after[name] == entry for name, entry in before.items() if name != _LIST)


def test_sealing_and_then_closing_gives_the_same_files_as_both_at_once() -> None:
    keys = new_sealing()
    twice = close_ofd(sealed(_document(), closed=False), key=keys.platform, at=NOW)
    once = sealed(_document())
    of_both = (Package.of(twice).files, Package.of(once).files)
    assert [*of_both[0]] == [*of_both[1]]
    # An SM2 signature is another each time; all that does not follow from one is the same.
    changing = {
        "Doc_0/Signs/Sign_0/SignedValue.dat",
        "Doc_0/Signs/Sign_1/Signature.xml",
        "Doc_0/Signs/Sign_1/SignedValue.dat",
    }
    assert {n for n in of_both[0] if of_both[0][n] != of_both[1][n]} <= changing
    assert not {wrong for opinion in opinions(twice) for wrong in opinion.wrong}


def test_another_seal_may_follow_until_the_document_is_closed() -> None:
    document = sealed(sealed(sealed(_document(), closed=False), closed=False))
    found = opinions(document)
    assert [opinion.id for opinion in found] == ["s001", "s002", "s003", "s004"]
    assert [opinion.kind for opinion in found] == ["Seal", "Seal", "Seal", "Sign"]
    assert not {wrong for opinion in found for wrong in opinion.wrong}
    assert {
        f"Doc_0/Signs/Sign_0/{name}" for name in ("Signature.xml", "SignedValue.dat", "Seal.esl")
    } <= found[1].covers


@pytest.mark.parametrize(
    "again", [sealed, lambda document: close_ofd(document, key=new_sealing().platform, at=NOW)]
)
def test_a_closed_document_is_refused(again: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DocumentRefused, match="closed"):
        again(sealed(_document()))


def _without_list(files: dict[str, bytes]) -> None:
    """As most makers leave an OFD: no Signatures element, no list."""
    files["OFD.xml"] = files["OFD.xml"].replace(
        b"<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", b""
    )
    del files[_LIST]


def test_a_document_that_names_no_list_gets_one_and_nothing_else_changes() -> None:
    foreign = repacked(_document(), _without_list)
    before, after = _raw(foreign), _raw(sealed(foreign))
    assert {name for name, entry in before.items() if after[name] != entry} == {"OFD.xml"}
    files = Package.of(sealed(foreign)).files
    assert (
        files["OFD.xml"].count(b"<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>")
        == 1
    )
    assert not {wrong for opinion in opinions(sealed(foreign)) for wrong in opinion.wrong}


def test_of_a_template_that_was_handed_in_nothing_stays_in_memory() -> None:
    template, size = "Doc_0/Tpls/Tpl_0/Content.xml", 4 << 20
    sealed(_document())  # what is kept of a document of ours is kept now
    document = repacked(_document(), lambda files: files.update({template: urandom(size)}))
    tracemalloc.start()
    try:
        made = sealed(document)
        assert not {wrong for opinion in opinions(made) for wrong in opinion.wrong}
        del made
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < size / 4
    finally:
        tracemalloc.stop()


def test_a_template_of_the_same_name_has_its_own_digest() -> None:
    template = "Doc_0/Tpls/Tpl_0/Content.xml"
    for content in (b"<one/>", b"<two/>", b"<one/>"):
        changed = {template: content}
        document = repacked(_document(), methodcaller("update", changed))
        found = opinions(sealed(document))
        assert all(template in opinion.covers for opinion in found)
        assert not {wrong for opinion in found for wrong in opinion.wrong}


def test_a_second_seal_does_not_break_the_first_of_a_document_that_named_no_list() -> None:
    foreign = repacked(_document(), _without_list)
    assert not {
        wrong for opinion in opinions(sealed(sealed(foreign, closed=False))) for wrong in opinion.wrong
    }


@pytest.mark.parametrize(
    "named", [b"/doc_0/Signs/Signatures.xml", b"\\Doc_0\\Signs\\Signatures.xml", b"Doc_0/Signs/List.xml"]
)
def test_a_list_that_is_named_otherwise_than_it_is_called_is_refused(named: bytes) -> None:
    """A second list beside it would be what some readers find."""

    def renamed(files: dict[str, bytes]) -> None:
        files["OFD.xml"] = files["OFD.xml"].replace(b"/Doc_0/Signs/Signatures.xml", named)

    with pytest.raises(DocumentRefused, match="not in it under the name given"):
        sealed(repacked(_document(), renamed))


@pytest.mark.parametrize(
    "there",
    [
        "Doc_0/Signs",
        "doc_0/SIGNS",
        "Doc_0/Signs/Sign_0",
        "doc_0/signs/sign_0",
        "Doc_0/Signs/sign_1/of/another",
        "DOC_0/signs/SIGNATURES.xml",
    ],
)
def test_what_is_added_has_no_name_that_is_there_in_whatever_case(there: str) -> None:
    foreign = repacked(repacked(_document(), _without_list), methodcaller("update", {there: b"x"}))
    check_ofd(foreign)
    document = sealed(foreign)
    check_ofd(document)
    assert not {wrong for opinion in opinions(document) for wrong in opinion.wrong}


def test_old_namespace_relative_places_and_whole_numbers_as_ids_are_kept() -> None:
    def aged(files: dict[str, bytes]) -> None:
        signature = sealed(_document(), closed=False)
        files.update(Package.of(signature).files)
        files[_LIST] = (
            files[_LIST]
            .replace(b'ID="s001"', b'ID="7"')
            .replace(b"<ofd:MaxSignId>s001</ofd:MaxSignId>", b"<ofd:MaxSignId>7</ofd:MaxSignId>")
            .replace(b"/Doc_0/Signs/Sign_0/", b"Sign_0/")
        )

    old = repacked(_document(), aged)
    document = sealed(old)
    with zipfile.ZipFile(BytesIO(document)) as held:
        listing = held.read(_LIST)
    assert b"<ofd:MaxSignId>s009</ofd:MaxSignId>" in listing
    assert b'ID="7" Type="Seal" BaseLoc="Sign_0/Signature.xml"' in listing
    assert b'ID="s008" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_1/Signature.xml"' in listing


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: files.pop("OFD.xml") and None, "no OFD"),
        (lambda files: files.update({"OFD.xml": b"<OFD"}), "well-formed"),
        (lambda files: files.update({"OFD.xml": _DOCTYPE + files["OFD.xml"][38:]}), "DOCTYPE"),
        (lambda files: files.update({"OFD.xml": _twice(files["OFD.xml"])}), "several documents"),
        (lambda files: files.pop("Doc_0/Document.xml") and None, "document is not in it"),
        (lambda files: files.pop("Doc_0/Pages/Page_0/Content.xml") and None, "a page of its list"),
        (
            lambda files: files.update({
                "Doc_0/Document.xml": files["Doc_0/Document.xml"].replace(
                    b"</ofd:Pages>", b"</ofd:Pages>" + _FORBIDDEN
                )
            }),
            "must not be signed",
        ),
        (
            lambda files: files.update({
                _LIST: files[_LIST].replace(
                    b"/>", b">" + _MISSING + b"</ofd:Signatures>"
                )
            }),
            "names a signature that is not in it",
        ),
        (lambda files: files.update({_LIST: b"<Other/>"}), "its list of signatures is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_is_refused_with_its_reason(
    change: Callable[[dict[str, bytes]], None], words: str
) -> None:
    with pytest.raises(DocumentRefused, match=words):
        sealed(repacked(_document(), change))


def _twice(root: bytes) -> bytes:
    start, end = root.index(b"<ofd:DocBody>"), root.index(b"</ofd:OFD>")
    return root[:end] + root[start:end] + root[end:]


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, page=0),
        replace(PLACE, page=2),
        replace(PLACE, x_mm=20),
        replace(PLACE, y_mm=190),
        replace(PLACE, width_mm=0),
        replace(PLACE, height_mm=-42),
    ],
)
def test_a_seal_that_is_not_on_its_page_is_refused(place: OfdPlace) -> None:
    with pytest.raises(InputError, match="page"):
        sealed(_document(), place=place)


@pytest.mark.parametrize("box", ["nan nan 210 297", "0 inf 210 297", "1e308 0 210 297", "0 0 nan 297"])
def test_a_page_whose_box_lies_nowhere_takes_no_seal(box: str) -> None:
    def moved(files: dict[str, bytes]) -> None:
        for name in ("Doc_0/Document.xml", "Doc_0/Pages/Page_0/Content.xml"):
            files[name] = re.sub(rb"(<ofd:PhysicalBox>)[^<]*", rb"\g<1>" + box.encode(), files[name])

    with pytest.raises(DocumentRefused, match="no usable size"):
        sealed(repacked(_document(), moved))


def test_a_seal_is_not_used_by_another_key_nor_after_its_time() -> None:
    keys = new_sealing()

    def use(key: SealingKey, later: timedelta) -> bytes:
        return seal_ofd(_document(), seal=keys.seal, place=PLACE, key=key, closing_key=None, at=NOW + later)

    with pytest.raises(SignatureError) as other:
        use(keys.platform, timedelta(0))
    assert other.value.reason == "signer-not-listed"
    with pytest.raises(SignatureError) as late:
        use(keys.signer, timedelta(days=366))
    assert late.value.reason == "seal-not-valid"
