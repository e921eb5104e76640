"""Certificates to be looked at: genuine, altered, expired, and shown on a phone."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import zxingcpp
from PIL import Image

from tests.browser.served import Served
from tests.files import sealed_bytes
from tests.requests import example_request
from vault import sessions
from vault.model.actors import Assurance, Introduced, Role
from vault.model.certificate import CertificateRecord
from vault.presentations import make_presentation, read_presentation
from vault.stating import shown_statement, stated, verify_url

# What a camera films: MJPEG, a series of JPEGs.
TEACHER = "教师资格证书"
FILM_FRAMES = 3
FILM_SIZE = (1280, 960)


@dataclass(frozen=True)
class Deposited:
    """A certificate with its sealed PDF and the address in its QR code."""

    record: CertificateRecord
    pdf: bytes
    address: str


def deposit(served: Served, *, expired: bool = False) -> Deposited:
    """A certificate of somebody's own."""
    request = example_request(served.house.catalogue)
    result = request["results"][0]
    if expired:
        result |= {"issued_on": "2020-01-01", "valid_from": "2020-01-01", "valid_to": "2024-12-31"}
    (record,) = served.deposit(request).certificates
    return Deposited(record, sealed_bytes(served.house, record), address_of(served, record))


def address_of(served: Served, record: CertificateRecord) -> str:
    """What the QR code of this certificate holds, with a statement of today."""
    now = datetime.now(UTC)
    kind = served.house.catalogue.types[record.type_code]
    authority = kind.authority(record.issuing_authority)
    assert authority is not None
    names = {"type_name": kind.name, "authority_name": authority.name}
    statement = shown_statement(record, **names, holder_shown=True, at=now)
    return stated(served.workshop, verify_url(served.origin, record.token), statement, at=now)


def altered(pdf: bytes) -> bytes:
    """The file with something drawn over it after it was sealed."""
    with pikepdf.open(BytesIO(pdf)) as document:
        document.pages[0].contents_add(document.make_stream(b"0 0 m 300 300 l S"))
        out = BytesIO()
        document.save(out)
    return out.getvalue()


def shown(served: Served) -> str:
    """The address that a holder's phone shows as a QR code, for a certificate of their own."""
    at = datetime.now(UTC)
    (record,) = served.deposit(example_request(served.house.catalogue, TEACHER)).certificates
    (holder,) = record.holders
    roles, subject = frozenset({Role.HOLDER}), secrets.token_hex(8)
    who = Introduced("https://id.example", subject, holder.name, roles, None, holder.code, Assurance.HIGH)
    session = sessions.enter(served.workshop, who, "local", before=None, at=at)
    person = sessions.signed_in(served.workshop, session, at=at)
    asked = {"certificate_id": str(record.certificate_id), "fields": None, "on_behalf_of": None}
    return make_presentation(served.workshop, person, read_presentation(asked), at=at).url


def qr_picture(text: str) -> Image.Image:
    """A photograph of a page with this QR code on it, not quite straight."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = Image.fromarray(code.to_image(scale=8))
    page = Image.new("L", FILM_SIZE, 235)
    side = int(FILM_SIZE[1] * 0.8)
    page.paste(drawn.resize((side, side)), ((FILM_SIZE[0] - side) // 2, (FILM_SIZE[1] - side) // 2))
    return page.rotate(4, fillcolor=235)


def film(text: str, path: Path) -> None:
    """What the camera sees: this QR code, held still."""
    frame = BytesIO()
    qr_picture(text).convert("RGB").save(frame, "JPEG", quality=90)
    path.write_bytes(frame.getvalue() * FILM_FRAMES)


def photo(text: str) -> bytes:
    """A picture file with this QR code on it."""
    out = BytesIO()
    qr_picture(text).save(out, "PNG")
    return out.getvalue()


def unknown_code() -> str:
    """A code that no holder was given."""
    return secrets.token_urlsafe(16)
