"""A small PDF as an approval system's own printer makes it: one page, text only, no seal yet."""

from collections.abc import Sequence

# A4 in points; the text begins where an official document's does (GB/T 9704-2012, 5.2.1: 37 and 28 mm).
PAGE_WIDTH, PAGE_HEIGHT = 595, 842
LEFT, TOP = 79, 737
TITLE_SIZE, TEXT_SIZE, LEADING = 18, 12, 24


def plain_pdf(title: str, lines: Sequence[str]) -> bytes:
    """PDF 1.4. Characters of the basic plane only; the reader's own Song typeface shows them."""
    text = [f"BT /F1 {TITLE_SIZE} Tf {LEFT} {TOP} Td <{_utf16(title)}> Tj"]
    text.append(f"/F1 {TEXT_SIZE} Tf {LEADING} TL 0 -{LEADING} Td")
    text += [f"T* <{_utf16(line)}> Tj" for line in lines]
    content = ("\n".join(text) + " ET").encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources %s >>"
        % (PAGE_WIDTH, PAGE_HEIGHT, b"<< /Font << /F1 5 0 R >> >>"),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /%s /DescendantFonts [6 0 R] >>"
        % b"UniGB-UCS2-H",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R %s >>"
        % b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox %s /StemV 93 %s >>"
        % (b"[-25 -254 1000 880]", b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880"),
    ]
    return _file(objects)


def _utf16(text: str) -> str:
    return text.encode("utf-16-be").hex()


def _file(objects: Sequence[bytes]) -> bytes:
    """Objects, cross-reference table and trailer (ISO 32000-1, 7.5)."""
    content = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table_at = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        content += b"%010d 00000 n \n" % offset
    content += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(content + b"startxref\n%d\n%%%%EOF\n" % table_at)
