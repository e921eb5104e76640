"""Usage copies: every page under its watermark, whatever its shape, and nothing else of the original."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from signing.appearance import SealAppearance
from signing.keys import SignatureAlgorithm
from signing.seal import seal_pdf
from signing.typeset import Typesetter, UsageWords, seal_picture
from signing.usage_copy import PAGES_MAX, CopyFacts, UsageCopy, make_usage_copy
from signing.validate import judge_pdf
from tests.signing.typeset.pages import text_of
from tests.signing.workshop import NOW, Workshop, qpdf_complaint, sample, tiny_pdf
from vault.errors import DocumentRefused, InputError
from vault.model.verdict import Indication

AT = NOW
WORDS = UsageWords(
    cell=("仅供：办理商品房预售许可", "使用单位：样例市住房和城乡建设局", "有效期至2026年12月22日"),
    title="加注件",
    lead="只在下列用途和期限内有效",
    rows=(("用途", "办理商品房预售许可"), ("办件编号", "SL-2026-000119")),
    fine=("原件　建筑工程施工许可证",),
)
MARK = "仅供：办理商品房预售许可"
DPI = 50


@pytest.fixture(scope="module")
def marks() -> bytes:
    return Typesetter(compilers=1).usage_marks(WORDS, at=AT)


def copied(original: bytes, marks: bytes) -> UsageCopy:
    facts = CopyFacts("use-1", hashlib.sha256(original).hexdigest(), "加注件", "仅供办理", AT)
    return make_usage_copy(original, marks=marks, facts=facts)


def pictures(content: bytes) -> list[Image.Image]:
    """Every page as PDFium shows it, annotations too."""
    pdf = pypdfium2.PdfDocument(content)
    pdf.init_forms()
    try:
        return [page.render(scale=DPI / 72, may_draw_forms=True).to_pil().convert("RGB") for page in pdf]
    finally:
        pdf.close()


def texts(content: bytes) -> list[str]:
    pdf = pypdfium2.PdfDocument(content)
    try:
        return ["".join(page.get_textpage().get_text_range().split()) for page in pdf]
    finally:
        pdf.close()


def pages_pdf(count: int, **entries: object) -> bytes:
    """Pages with a red, a green and a blue corner, so that a turn or a shift shows."""
    pdf = pikepdf.new()
    for n in range(count):
        pdf.add_blank_page(page_size=(300, 400))
        page = pdf.pages[-1].obj
        corners = b"1 0 0 rg 0 0 90 90 re f 0 .6 0 rg 210 0 90 90 re f 0 0 1 rg 0 310 90 90 re f"
        page.Contents = pdf.make_stream(b"%% page %d\n%b" % (n, corners))
        for key, value in entries.items():
            page["/" + key] = value
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


def darkest(difference: Image.Image) -> int:
    """The greatest difference of any two pixels."""
    return max(level for level, count in enumerate(difference.histogram()) if count)


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """The same colour, a watermark's shade apart."""
    return all(abs(a - b) < 90 for a, b in zip(one, other, strict=True))


def corners_of(picture: Image.Image) -> list[tuple[int, ...]]:
    """The colours a little inside the four corners."""
    inset, width, height = 8, picture.width, picture.height
    places = [
        (inset, inset),
        (width - inset, inset),
        (inset, height - inset),
        (width - inset, height - inset),
    ]
    return [pixel(picture, place) for place in places]


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"Rotate": 90},
        {"Rotate": 180},
        {"Rotate": 270},
        {"Rotate": -90},
        {"MediaBox": [-50, 20, 300, 400]},
        {"MediaBox": [300, 400, 0, 0]},
        {"CropBox": [30, 40, 280, 390]},
        {"CropBox": [-500, -500, 900, 900]},
        {"CropBox": [30, 40, 280, 390], "Rotate": 90},
        {"CropBox": [30, 40, 280, 390], "Rotate": 270, "TrimBox": [100, 100, 120, 120]},
        {"UserUnit": 2, "Rotate": 90},
    ],
    ids=str,
)
def test_a_page_of_any_shape_is_copied_as_it_is_shown(marks: bytes, entries: dict[str, object]) -> None:
    original = pages_pdf(1, **{k: pikepdf.Array(v) if isinstance(v, list) else v for k, v in entries.items()})
    copy = copied(original, marks)
    (before,), (after,) = pictures(original), pictures(copy.content)
    shown = corners_of(before)
    margin = (after.width - before.width) // 2  # a narrow page gets white margins
    seen = corners_of(after.crop((margin, 0, margin + before.width, before.height)))
    assert all(near(a, b) for a, b in zip(shown, seen, strict=True)), (shown, seen)
    assert abs(after.width - max(before.width, round(105 / 25.4 * DPI))) <= 2
    assert MARK in text_of(copy.content)
    place = copy.seal_place
    assert after.height > before.height, "the strip stands below the page, not on it"
    assert place.y_mm / 25.4 * DPI > before.height


def test_every_page_is_marked_and_stays_readable(marks: bytes) -> None:
    original = pages_pdf(7)
    copy = copied(original, marks)
    assert copy.page_count == 7
    for text in texts(copy.content):
        assert text.count(MARK) >= 2, "again and again"
        assert "SL-2026-000119" in text
    for before, after in zip(pictures(original), pictures(copy.content), strict=True):
        same = after.crop((0, 0, before.width, before.height))
        difference = ImageChops.difference(before, same).convert("L")
        changed = sum(count for level, count in enumerate(difference.histogram()) if level > 8)
        share = changed / (before.width * before.height)
        assert 0.02 < share < 0.5, f"{share:.2f} of the pixels differ"
        assert darkest(difference) < 110, "a shade over the page, nothing opaque"


def test_pages_of_different_sizes_have_each_their_own_watermark(marks: bytes) -> None:
    pdf = pikepdf.new()
    sizes = [(595, 842), (842, 595), (2384, 3370), (240, 150), (20, 2000), (165, 700)]
    for size in sizes:
        pdf.add_blank_page(page_size=size)
    out = BytesIO()
    pdf.save(out)
    for text in texts(copied(out.getvalue(), marks).content):
        assert MARK in text


def test_a_seal_and_nothing_of_its_signature_goes_into_the_copy(
    workshop: Workshop, marks: bytes, tmp_path: Path
) -> None:
    sealed = workshop.seal(tiny_pdf(), qr=None).content
    copy = copied(sealed, marks)
    with pikepdf.open(BytesIO(copy.content)) as pdf:
        assert "/AcroForm" not in pdf.Root
        assert "/Perms" not in pdf.Root
        assert all("/Annots" not in page for page in pdf.pages)
        with pdf.open_metadata() as metadata:
            assert metadata["dc:source"] == f"urn:sha256:{hashlib.sha256(sealed).hexdigest()}"
            assert metadata["dc:identifier"] == "urn:uuid:use-1"
        assert str(pdf.docinfo["/Title"]) == "加注件"
    (before,), (after,) = pictures(sealed), pictures(copy.content)
    edge = tuple(round(mm / 25.4 * DPI) for mm in (150 - 20.6, 200))  # on the picture's frame
    assert near(pixel(before, edge), pixel(after, edge))
    assert pixel(after, edge)[0] - pixel(after, edge)[1] > 60, "the seal's red"
    assert qpdf_complaint(copy.content, tmp_path) is None
    for report in judge_pdf(copy.content, trust=workshop.trust, at=AT):
        pytest.fail(f"the copy bears a seal already: {report}")


def pixel(picture: Image.Image, place: Sequence[int]) -> tuple[int, ...]:
    found = picture.getpixel((place[0], place[1]))
    assert isinstance(found, tuple)
    return found


def test_a_sealed_copy_stands_up_to_independent_readers(
    workshop: Workshop, marks: bytes, tmp_path: Path
) -> None:
    copy = copied(workshop.seal(tiny_pdf(), qr=None).content, marks)
    place = copy.seal_place
    picture = seal_picture("样例市大数据中心", centre="用证专用章", serial=None).operators
    sealed = seal_pdf(
        copy.content,
        key=workshop.keys[SignatureAlgorithm.ECDSA_P256_SHA256],
        appearance=SealAppearance(picture, place.page, place.x_mm, place.y_mm, place.diameter_mm),
        field_name="certvault-copy",
        reason="用证加注",
        location="样例市大数据中心",
        at=AT,
        tsa=workshop.tsa,
    )
    (report,) = judge_pdf(sealed.content, trust=workshop.trust, at=datetime.now(UTC))
    assert report.indication is Indication.TOTAL_PASSED
    assert (sealed.path, sealed.certifies) == ("fast", True)
    file = tmp_path / "copy.pdf"
    file.write_bytes(sealed.content)
    assert qpdf_complaint(sealed.content, tmp_path) is None
    if shutil.which("pdftotext") is None or shutil.which("mutool") is None:
        pytest.skip("poppler or mupdf is not installed: nobody else reads the copy's words")
    strip = subprocess.run(["pdftotext", "-raw", file, "-"], capture_output=True, check=True).stdout.decode()
    assert "SL-2026-000119" in strip
    words = subprocess.run(["mutool", "draw", "-F", "txt", file], capture_output=True, check=True).stdout
    assert words.decode().count(MARK) >= 4


def test_what_is_active_or_attached_stays_behind(marks: bytes) -> None:
    pdf = pikepdf.open(BytesIO(pages_pdf(1)))
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    pdf.Root.OpenAction = pdf.make_indirect(script)
    pdf.attachments["x.txt"] = b"attached"
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 90, 90], A=pdf.Root.OpenAction
    )
    pdf.pages[0].obj.Annots = pikepdf.Array([pdf.make_indirect(link)])
    out = BytesIO()
    pdf.save(out)
    with pikepdf.open(BytesIO(copied(out.getvalue(), marks).content)) as copy:
        kept = b"".join(
            held.unparse(resolved=True) for held in copy.objects if isinstance(held, pikepdf.Dictionary)
        )
        assert b"JavaScript" not in kept
        assert not copy.attachments
        assert "/OpenAction" not in copy.Root


def test_content_kept_elsewhere_is_refused(marks: bytes) -> None:
    pdf = pikepdf.open(BytesIO(pages_pdf(1)))
    form = pdf.make_stream(b"0 0 9 9 re f")
    form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array([0, 0, 9, 9])
    form.Ref = pikepdf.Dictionary(F="other.pdf", Page=0)
    pdf.pages[0].obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
    out = BytesIO()
    pdf.save(out)
    with pytest.raises(DocumentRefused, match="another file"):
        copied(out.getvalue(), marks)


@pytest.mark.parametrize("content", [b"Q Q Q", b"q q 2 0 0 2 0 0 cm", b"BT", b"0 0 50 50 re W n"])
def test_a_page_that_leaves_its_state_behind_spoils_no_mark(marks: bytes, content: bytes) -> None:
    green = b" q 0 .6 0 rg 0 0 60 60 re f Q "
    plain, left = copied(tiny_pdf(green), marks), copied(tiny_pdf(green + content), marks)
    ((one,), (other,)) = pictures(plain.content), pictures(left.content)
    below = round(842 / 72 * DPI)
    difference = ImageChops.difference(
        one.crop((0, below, one.width, one.height)), other.crop((0, below, other.width, other.height))
    )
    assert difference.getbbox() is None, "the strip is the same"
    assert texts(left.content)[0].count(MARK) == texts(plain.content)[0].count(MARK) >= 2


def test_a_layer_that_is_off_stays_off(marks: bytes) -> None:
    pdf = pikepdf.open(BytesIO(tiny_pdf(b"/OC /L BDC 1 0 0 rg 0 0 595 842 re f EMC")))
    layer = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="hidden"))
    pdf.pages[0].obj.Resources = pikepdf.Dictionary(Properties=pikepdf.Dictionary(L=layer))
    pdf.Root.OCProperties = pikepdf.Dictionary(
        OCGs=pikepdf.Array([layer]), D=pikepdf.Dictionary(OFF=pikepdf.Array([layer]))
    )
    out = BytesIO()
    pdf.save(out)
    original = out.getvalue()
    place = (100, 100)
    assert pixel(pictures(original)[0], place) == (255, 255, 255)
    assert min(pixel(pictures(copied(original, marks).content)[0], place)) > 150


def test_many_pages_are_copied_and_too_many_refused(marks: bytes) -> None:
    pdf = pikepdf.open(BytesIO(pages_pdf(1)))
    for _ in range(299):
        pdf.pages.append(pdf.pages[0])
    out = BytesIO()
    pdf.save(out)
    many = copied(out.getvalue(), marks)
    assert many.page_count == 300
    assert len(many.content) < 400_000, "pages of one size share one watermark"
    for _ in range(PAGES_MAX - 299):
        pdf.pages.append(pdf.pages[0])
    out = BytesIO()
    pdf.save(out)
    with pytest.raises(DocumentRefused, match=f"has {PAGES_MAX + 1} pages"):
        copied(out.getvalue(), marks)


def test_pages_that_share_a_great_content_do_not_fill_the_memory(marks: bytes) -> None:
    pdf = pikepdf.new()
    for _ in range(200):
        pdf.add_blank_page(page_size=(300, 400))
    great = pdf.make_stream(b"0 0 9 9 re f\n" * 80_000)  # one megabyte, packed to a few kB
    for page in pdf.pages:
        page.obj.Contents = great
    out = BytesIO()
    pdf.save(out)
    with pytest.raises(DocumentRefused, match="bytes of content"):
        copied(out.getvalue(), marks)
    for page in pdf.pages:
        page.obj.Contents = pikepdf.Array([great] * 200)
    out = BytesIO()
    pdf.save(out)
    assert len(out.getvalue()) < 500_000
    with pytest.raises(DocumentRefused, match="content has over"):
        copied(out.getvalue(), marks)


@pytest.mark.parametrize("content", [b"%PDF-1.7 nothing", b"", tiny_pdf()[:300]], ids=range(3))
def test_what_cannot_be_read_is_refused(marks: bytes, content: bytes) -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        copied(content, marks)


def test_what_is_encrypted_or_drawn_anew_is_refused(marks: bytes) -> None:
    for password in ("", "secret"):
        out = BytesIO()
        with pikepdf.open(BytesIO(tiny_pdf())) as pdf:
            pdf.save(out, encryption=pikepdf.Encryption(owner="owner", user=password))
        with pytest.raises(DocumentRefused, match="encrypted"):
            copied(out.getvalue(), marks)
    form = pikepdf.Dictionary(NeedAppearances=True, Fields=pikepdf.Array())
    with pytest.raises(DocumentRefused, match="draws anew"):
        copied(tiny_pdf(catalogue={"/AcroForm": form}), marks)


def test_words_without_a_glyph_are_refused() -> None:
    words = UsageWords(("\u0e01",), "x", "x", (), ())
    with pytest.raises(InputError, match="1 different"):
        Typesetter(compilers=1).usage_marks(words, at=AT)


def test_long_words_break_and_stay_on_the_page() -> None:
    long = "x" * 128
    words = UsageWords(
        (long, "样" * 60), "加注件", "样" * 40, (("办件编号", long), ("用途", "样" * 60)), (long,)
    )
    content = Typesetter(compilers=1).usage_marks(words, at=AT)
    with pikepdf.open(BytesIO(content)) as pdf:
        assert len(pdf.pages) == 2
        assert float(pdf.pages[0].mediabox[2]) < 300
        assert round(float(pdf.pages[1].mediabox[2]) * 25.4 / 72) == 210
    assert text_of(content).replace("\u200b", "").count(long) == 3


@pytest.mark.parametrize(
    "name",
    ["pifu-libreoffice.pdf", "pifu-chromium.pdf", "pifu-ghostscript.pdf", "scan-gs.pdf", "cert-fpdf2.pdf"],
)
def test_files_of_many_producers_look_the_same_under_their_marks(marks: bytes, name: str) -> None:
    original = sample(name)
    copy = copied(original, marks)
    for before, after in zip(pictures(original), pictures(copy.content), strict=True):
        margin = (after.width - before.width) // 2
        same = after.crop((margin, 0, margin + before.width, before.height))
        # Eight pixels to one, the lowest left out: the strip moves the page by a part of a pixel.
        box = (0, 0, before.width, before.height - 8)
        difference = ImageChops.difference(before.reduce(8, box), same.reduce(8, box)).convert("L")
        assert darkest(difference) < 110, "what the page shows is there, in its place"
    for text in texts(copy.content):
        assert text.count(MARK) >= 2
