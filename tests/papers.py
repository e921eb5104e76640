"""Small whole PDFs that nobody handed in before: the gate takes nothing less."""

import secrets


def new_pdf(text: str = "") -> bytes:
    """An empty A4 page of about 400 bytes, with something in it that no other has."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
        b"<</Title<FEFF%b>/Keywords(%b)>>"
        % (text.encode("utf-16-be").hex().encode(), secrets.token_hex(8).encode()),
    )
    body = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, held in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, held)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    trailer = b"trailer\n<</Size %d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
    return bytes(body) + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + trailer
