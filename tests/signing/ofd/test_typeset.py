"""Certificates as OFD: every shipped kind, its characters, its fonts, its numbers, what machines read."""

import json
import zipfile
from collections import Counter
from datetime import date
from io import BytesIO
from xml.etree import ElementTree as ET

import ofdkit
import pikepdf
import pytest
from fontTools.ttLib import TTFont
from PIL import ImageFont

from signing.ofd import content, paths, typeset, typeset_ofd
from signing.ofd.scanner import tokens
from tests.signing.ofd.documents import both_formats, facts, typesetter
from tests.signing.ofd.drawing import SPACE, Package, numbers, spread, text_runs
from tests.signing.typeset.pages import AT, KINDS, ONE_OF_EACH, example_data, text_of
from vault.errors import IntegrityError

_RARE = "𬱖㛃䶮𫖯𬭛㼆"


def _pages(ofd: bytes) -> list[ET.Element]:
    package = Package.of(ofd)
    return [page for _, page in package.pages()]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_the_same_as_its_pdf(name: str) -> None:
    made = both_formats(name)
    ours = "".join(code.text or "" for page in _pages(made.ofd) for _, code, _ in text_runs(page))
    assert Counter("".join(ours.split())) == Counter(text_of(made.pdf))


@pytest.mark.parametrize("name", KINDS)
def test_another_reader_gets_the_same_text(name: str) -> None:
    made = both_formats(name)
    with ofdkit.open(made.ofd) as read:
        text, warnings = read.text(), read.warnings
    assert Counter("".join(text.split())) == Counter(text_of(made.pdf))
    assert not warnings
    holder = KINDS[name].example["holders"][0]["name"]
    assert holder in "".join(text.split())


@pytest.mark.parametrize("name", KINDS)
def test_every_character_is_in_the_font_that_shows_it(name: str) -> None:
    package = Package.of(both_formats(name).ofd)
    fonts = {key: TTFont(BytesIO(file)) for key, file in package.resources("Font", "FontFile").items()}
    assert fonts
    for _, page in package.pages():
        for element, code, transforms in text_runs(page):
            table = fonts[element.attrib["Font"]].getBestCmap()
            if not transforms:
                assert all(ord(letter) in table for letter in code.text or "")
            assert len(spread(code.get("DeltaX"))) == len(code.text or "") - 1


@pytest.mark.parametrize("name", KINDS)
def test_every_number_is_given_once_and_none_is_above_the_highest(name: str) -> None:
    package = Package.of(both_formats(name).ofd)
    ids: list[int] = []
    for file, held in package.files.items():
        if file.endswith(".xml") and "/Attachs/" not in file and "/Signs/" not in file:
            ids += [
                int(element.attrib["ID"]) for element in ET.fromstring(held).iter() if "ID" in element.attrib
            ]
    # The list of pages and templates names them; their files do not repeat their IDs.
    assert len(ids) == len(set(ids))
    highest = package.document.findtext(f"{SPACE}CommonData/{SPACE}MaxUnitID")
    assert highest == str(max(ids))


@pytest.mark.parametrize("name", KINDS)
def test_every_object_lies_within_its_boundary_and_on_the_page(name: str) -> None:
    for page in _pages(both_formats(name).ofd):
        box = page.findtext(f"{SPACE}Area/{SPACE}PhysicalBox")
        assert box is not None
        _, _, width, height = numbers(box)
        for element in page.iter():
            if "Boundary" in element.attrib:
                left, top, wide, high = numbers(element.attrib["Boundary"])
                assert left < width
                assert top < height
                assert left + wide > 0
                assert top + high > 0
        for element, code, _ in text_runs(page):
            left, top, wide, high = numbers(element.attrib["Boundary"])
            if "CTM" not in element.attrib:
                assert 0 <= float(code.attrib["X"]) + sum(spread(code.get("DeltaX"))) <= wide
                assert 0 <= float(code.attrib["Y"]) <= high


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: kind.template)
def test_the_fonts_open_in_freetype_and_keep_their_widths(kind: object) -> None:
    assert hasattr(kind, "name")
    made = both_formats(kind.name)
    files = Package.of(made.ofd).resources("Font", "FontFile")
    with pikepdf.open(BytesIO(made.typeset.content)) as pdf:
        embedded = {
            font.objgen: [float(w) for w in font.DescendantFonts[0].W]
            for page in pdf.pages
            for font in page.Resources.Font.values()
        }
    assert len(files) == len(embedded)
    for file in files.values():
        opened = TTFont(BytesIO(file), checkChecksums=2)
        for tag in opened.reader.keys():  # noqa: SIM118 - not a dict
            opened[tag]  # parses the table
        letters = [chr(code) for code in opened.getBestCmap() if chr(code).strip()]
        face = ImageFont.truetype(BytesIO(file), 40)
        for letter in letters[:40]:
            assert face.getmask(letter).getbbox() is not None, letter
        advances = {opened["hmtx"][glyph][0] for glyph in opened.getGlyphOrder()}
        assert advances in [{*map(round, w[2::3])} for w in embedded.values()]


def test_a_ligature_keeps_its_letters_and_its_glyph() -> None:
    (page,) = _pages(both_formats("营业执照").ofd)
    joined = [(code, transforms) for _, code, transforms in text_runs(page) if transforms]
    assert [code.text for code, _ in joined] == ["fi"]  # of "certificate"
    ((_, (transform,)),) = joined
    assert (transform.attrib["CodeCount"], transform.attrib["GlyphCount"]) == ("2", "1")


def test_rare_characters_of_names_stay_characters() -> None:
    kind = KINDS["营业执照"]
    data = example_data(kind)
    data["holders"][0]["name"] = _RARE
    page = typesetter().typeset(kind.template, data, at=AT)
    made = typeset_ofd(page.content, facts=facts(kind), qr=None, at=AT)
    with ofdkit.open(made) as read:
        assert _RARE in "".join(read.text().split())


def test_the_same_arguments_give_the_same_bytes() -> None:
    kind = KINDS["结婚证"]
    page = typesetter().typeset(kind.template, example_data(kind), at=AT)
    first = typeset_ofd(page.content, facts=facts(kind), qr=None, at=AT)
    content.leading.cache_clear()
    typeset._template_page.cache_clear()  # noqa: SLF001 - as in a process that has just started
    paths._shape.cache_clear()  # noqa: SLF001 - likewise
    assert typeset_ofd(page.content, facts=facts(kind), qr=None, at=AT) == first


def test_two_certificates_of_a_kind_share_their_ornaments() -> None:
    kind = KINDS["营业执照"]
    other = {**example_data(kind), "number": "990100000202600999", "validity": "长期"}
    page = typesetter().typeset(kind.template, other, at=AT)
    made = (both_formats("营业执照").ofd, typeset_ofd(page.content, facts=facts(kind), qr=None, at=AT))
    first, second = (Package.of(ofd).files["Doc_0/Tpls/Tpl_0/Content.xml"] for ofd in made)
    assert first == second
    assert len(first) > 100_000


def test_the_package_is_read_by_the_standard_librarys_zipfile() -> None:
    with zipfile.ZipFile(BytesIO(both_formats("结婚证").ofd)) as held:
        assert held.testzip() is None
        assert held.namelist()[0] == "OFD.xml"
        assert all(entry.flag_bits == 0x0800 and not entry.extra for entry in held.infolist())


def test_machines_find_the_metadata_by_its_short_names() -> None:
    kind = KINDS["结婚证"]
    package = Package.of(both_formats("结婚证").ofd)
    root = ET.fromstring(package.files["OFD.xml"])
    datas = [(entry.attrib["Name"], entry.text) for entry in root.iter(f"{SPACE}CustomData")]
    holders = kind.example["holders"]
    assert datas[:7] == [
        ("ZZMC", "结婚证"),
        ("ZZLXDM", kind.code),
        ("ZZBH", kind.example["number"]),
        ("ZZBS", f"1.2.156.3005.2.{kind.code}.11990100MB99000131.SL2026000118.001.M"),
        ("ZZBFJG", facts(kind).authority_name),
        ("ZZBFJGDM", kind.example["issuing_authority"]),
        ("ZZBFRQ", kind.example["issued_on"]),
    ]
    assert [value for name, value in datas if name == "CZZT"] == [holder["name"] for holder in holders]
    assert [value for name, value in datas if name == "CZZTDM"] == [holder["code"] for holder in holders]
    assert dict(datas)["CJSJ"] == "2026-10-26T16:00:00+08:00"
    assert root.findtext(f"{SPACE}DocBody/{SPACE}DocInfo/{SPACE}CreationDate") == str(date(2026, 10, 26))


def test_the_face_data_is_an_attachment() -> None:
    kind = KINDS["营业执照"]
    package = Package.of(both_formats("营业执照").ofd)
    place = package.document.findtext(f"{SPACE}Attachments")
    assert place
    (listed,) = ET.fromstring(package.at(place))
    location = listed.findtext(f"{SPACE}FileLoc")
    assert location
    said = json.loads(package.at(location))
    assert said["fields"] == kind.example["fields"]
    assert said["metadata"]["ZZMC"] == "营业执照"
    assert said["metadata"]["CZZT"] == [kind.example["holders"][0]["name"]]


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: kind.template)
def test_our_scanner_reads_what_pikepdf_reads(kind: object) -> None:
    assert hasattr(kind, "name")
    with pikepdf.open(BytesIO(both_formats(kind.name).typeset.content)) as pdf:
        for page in pdf.pages:
            theirs = Counter(str(found.operator) for found in pikepdf.parse_content_stream(page))
            ours: Counter[str] = Counter()
            for sort, text in tokens(page.Contents.read_bytes()):
                if sort == "plain":
                    ours[text.split()[-1].decode()] += 1
                elif sort == "path":
                    ours.update(chr(byte) for byte in text if byte in b"mlch")
            assert ours == theirs


@pytest.mark.parametrize(
    "added",
    [
        b"/Sh0 sh\n",
        b"/G0 gs\n",
        b"BT 3 Tr ET\n",
        b"BT /f0 10 Tf 1 0 0 1 5 5 Tm <00FE> Tj ET\n",
        b"BT /f9 10 Tf 1 0 0 1 5 5 Tm (\\000\\001) Tj ET\n",
        b"/X9 Do\n",
        b"q\n",
        b"Q\n",
        b"0 0 m 5 5 l\n",
        b"0 0 m 5 5 l 9 0 l h W n 0 0 m 5 5 l S\n",
        b"0 0 5 5 re f\n",
        b"q 2 0 0 1 0 0 cm 0 0 m 5 5 l S Q\n",
        b"0 0 m 1 c S\n",
        b"/c0 cs 0.5 scn 0 0 m 5 5 l f\n",
        b"BI /W 1 /H 1 ID x EI\n",
    ],
)
def test_what_typst_did_not_write_so_far_is_an_error_and_not_left_out(added: bytes) -> None:
    kind = KINDS["特种作业操作证"]
    with pikepdf.open(BytesIO(both_formats(kind.name).typeset.content)) as pdf:
        page = pdf.pages[0]
        page.obj.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n" + added)
        out = BytesIO()
        pdf.save(out)
    with pytest.raises(IntegrityError):
        typeset_ofd(out.getvalue(), facts=facts(kind), qr=None, at=AT)


@pytest.mark.parametrize("key", ["/Rotate", "/CropBox", "/UserUnit"])
def test_a_page_that_is_shown_otherwise_than_set_is_an_error(key: str) -> None:
    kind = KINDS["特种作业操作证"]
    with pikepdf.open(BytesIO(both_formats(kind.name).typeset.content)) as pdf:
        pdf.pages[0].obj[key] = pikepdf.Array([0, 0, 99, 99]) if key == "/CropBox" else 90
        out = BytesIO()
        pdf.save(out)
    with pytest.raises(IntegrityError):
        typeset_ofd(out.getvalue(), facts=facts(kind), qr=None, at=AT)
