"""Files that are small and inflate to much: refused by the gate, reported by the judge, never inflated."""

import resource
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO

import pikepdf
import pytest

from signing import opening
from signing.intake import admit_pdf
from signing.opening import INFLATED_MAX_BYTES
from signing.pades.structure import read_sealable
from signing.validate import judge_pdf
from tests.signing.workshop import NOW, QR, Workshop
from vault.errors import DocumentRefused
from vault.model.verdict import Indication

BOMB_BYTES = 300_000_000
# Between what an honest file takes and what any of these would take without a cap
GROWTH_MAX_KIB = 128 * 1024


@cache
def blanks() -> bytes:
    """`BOMB_BYTES` blanks, deflated, without ever holding them."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(b" " * 1_000_000) for _ in range(BOMB_BYTES // 1_000_000)]
    return b"".join(parts) + packer.flush()


def flated(times: int) -> tuple[bytes, bytes]:
    """A filter entry and blanks deflated so many times."""
    data = blanks()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return b"[" + b"/FlateDecode" * times + b"]", data


def packed(filters: bytes, data: bytes, *, at: str = "form") -> bytes:
    """A PDF that holds its form in an object stream, XMP, or page content, packed as told."""
    body = bytearray(b"%PDF-1.7\n")
    offsets = {}
    stream = b"/Filter %b/Length %d>>\nstream\n%b\nendstream" % (filters, len(data), data)
    plain = b"<</Length 0>>\nstream\n\nendstream"
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Metadata 4 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 8 0 R>>",
        4: b"<</Type/Metadata/Subtype/XML" + stream if at == "metadata" else plain,
        8: b"<<" + stream if at == "content" else plain,
        9: b"/FlateDecode",
    }
    if at == "form":
        objects[5] = b"<</Type/ObjStm/N 1/First 4" + stream
    else:
        objects[6] = b"<</Fields[]>>"
    for number, text in objects.items():
        offsets[number] = len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    offsets[7] = len(body)
    rows = b""
    for number in range(10):
        if number in offsets:
            rows += b"\1" + offsets[number].to_bytes(4, "big") + b"\0\0"
        else:
            rows += b"\2\0\0\0\5\0\0" if number == 6 else bytes(7)
    body += b"7 0 obj\n<</Type/XRef/W[1 4 2]/Size 10/Root 1 0 R/Length %d>>\n" % len(rows)
    body += b"stream\n%b\nendstream\nendobj\n" % rows
    return bytes(body + b"startxref\n%d\n%%%%EOF\n" % offsets[7])


def growth(work: Callable[[], object]) -> int:
    """By how many KiB this process's greatest size grew meanwhile."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


HIDDEN = {
    "once": flated(1),
    "twice": flated(2),
    "three times": flated(3),
    "lzw": (b"/LZWDecode", b"\x80\x0b\x60\x50"),
    "lzw in disguise": (b"/L#5aW#44ecode", b"\x80\x0b\x60\x50"),
    "by reference": (b"9 0 R", flated(1)[1]),
    "by reference in an array": (b"[ /FlateDecode %]\n 9 0 R]", flated(2)[1]),
    "disguised key": (b"null/F#69lter 9 0 R", flated(1)[1]),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_an_object_stream_that_inflates_to_much_is_refused(how: str, workshop: Workshop) -> None:
    document = packed(*HIDDEN[how])

    def work() -> None:
        with pytest.raises(DocumentRefused):
            admit_pdf(document)
        (report,) = judge_pdf(document, trust=workshop.trust, at=NOW)
        assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")

    assert growth(work) < GROWTH_MAX_KIB


def test_object_streams_together_have_a_cap(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    for number in range(400):  # qpdf packs a hundred objects into one stream
        pdf.Root[f"/X{number}"] = pdf.make_indirect(pikepdf.Array([0] * 100))
    out = BytesIO()
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    document = out.getvalue()
    assert document.count(b"/ObjStm") > 3
    assert admit_pdf(document).page_count == 1
    monkeypatch.setattr(opening, "OBJECT_STREAMS_MAX_BYTES", 50_000)  # more than any of them, less than all
    with pytest.raises(DocumentRefused, match="object streams"):
        admit_pdf(document)
    (report,) = judge_pdf(document, trust=workshop.trust, at=NOW)
    assert report.sub_indication == "FORMAT_FAILURE"


@pytest.mark.parametrize("times", [1, 2])
def test_metadata_that_inflate_to_much_are_refused(times: int) -> None:
    document = packed(*flated(times), at="metadata")

    def work() -> None:
        with pytest.raises(DocumentRefused):
            admit_pdf(document)

    assert growth(work) < GROWTH_MAX_KIB


@pytest.mark.parametrize("times", [1, 2])
def test_content_that_inflates_to_much_is_refused(times: int) -> None:
    document = packed(*flated(times), at="content")

    def work() -> None:
        with pytest.raises(DocumentRefused):
            read_sealable(document, field_name="x", seal_page=1, qr=QR)

    assert growth(work) < GROWTH_MAX_KIB


def test_content_of_very_many_graphics_states_is_refused() -> None:
    document = packed(b"/FlateDecode", zlib.compress(b"q Q " * 300_000, 9), at="content")
    with pytest.raises(DocumentRefused, match="graphics states"):
        read_sealable(document, field_name="x", seal_page=1, qr=QR)


@pytest.mark.parametrize("filters", [b"/FlateDecode", b"[/FlateDecode]", b"[ /Fl#61teDecode ]"])
def test_an_honest_object_stream_passes(filters: bytes, workshop: Workshop) -> None:
    document = packed(filters, zlib.compress(b"6 0 <</Fields[]>>"))
    assert admit_pdf(document).page_count == 1
    assert judge_pdf(document, trust=workshop.trust, at=NOW) == ()


def test_content_just_under_the_cap_passes() -> None:
    content = b"0 0 m\n" * (INFLATED_MAX_BYTES // 6 - 10)
    document = packed(b"/FlateDecode", zlib.compress(content, 9), at="content")
    assert read_sealable(document, field_name="x", seal_page=1, qr=QR).obstacle is None
