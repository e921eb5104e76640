"""A certificate as OFD, from the page that Typst set as PDF: the same glyphs at the same places."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from itertools import count
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pikepdf

from signing.appearance import QrStamp
from signing.ofd.content import drawn
from signing.ofd.fonts import EmbeddedFont, embedded_font
from signing.ofd.metadata import FACE_FILE, FACE_NAME, CertificateFacts, custom_datas, face_data
from signing.ofd.package import Entry, packed, written
from signing.ofd.page_objects import FontInUse, PageResources, PageSpace, number, page_objects
from signing.ofd.qr import qr_objects
from vault.errors import IntegrityError

NAMESPACE: Final = "http://www.ofdspec.org/2016"
DOC: Final = "Doc_0"
SIGNATURES: Final = f"{DOC}/Signs/Signatures.xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = f'xmlns:ofd="{NAMESPACE}"'
_CREATOR = "certvault"
PAGES_MAX = 30  # as the typesetter sets


@dataclass(slots=True)
class _Making:
    """What a document has gathered: its files, and the IDs and resources of its pages."""

    ids: Iterator[int] = field(default_factory=lambda: count(1))
    last_id: int = 0
    fonts: dict[tuple[int, int], FontInUse] = field(default_factory=dict)
    images: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)

    def next_id(self) -> int:
        """IDs are whole numbers, unique in the document."""
        self.last_id = next(self.ids)
        return self.last_id


@dataclass(frozen=True, slots=True)
class _Page:
    id: int
    width: float
    height: float
    content: str = field(repr=False)


def typeset_ofd(page: bytes, *, facts: CertificateFacts, qr: QrStamp | None, at: datetime) -> bytes:
    """The OFD of a PDF that `signing.typeset` set; the same arguments give the same bytes.

    `qr`: drawn on its page as the seal draws it on the PDF. The file has its Signatures element and an empty
    list of signatures, so that sealing changes no other file.

    Raises:
        IntegrityError: the PDF holds what the writer does not know; nothing is ever left out.
    """
    making = _Making()
    try:
        with pikepdf.open(BytesIO(page)) as pdf:
            if not 0 < len(pdf.pages) <= PAGES_MAX:
                raise IntegrityError(f"A typeset file has 1 to {PAGES_MAX} pages, got {len(pdf.pages)}.")
            pages = [
                _page(held.obj, making, qr if qr is not None and qr.page == index else None)
                for index, held in enumerate(pdf.pages, 1)
            ]
    except pikepdf.PdfError as error:
        raise IntegrityError("A typeset file cannot be read.") from error
    if qr is not None and not 0 < qr.page <= len(pages):
        raise IntegrityError(f"A QR is to stand on page {qr.page} of {len(pages)}.")
    face = face_data(facts, at=at)
    document_id = sha256(b"\0".join((sha256(page).digest(), face))).hexdigest()[:32]
    return written(
        [
            packed("OFD.xml", _ofd_xml(facts, document_id, at)),
            packed(f"{DOC}/Document.xml", _document_xml(pages, making)),
            *_resources(making),
            *(
                packed(f"{DOC}/Pages/Page_{index}/Content.xml", _page_xml(made))
                for index, made in enumerate(pages)
            ),
            packed(f"{DOC}/Attachs/Attachments.xml", _attachments_xml(face, at)),
            packed(f"{DOC}/Attachs/{FACE_FILE}", face),
            packed(SIGNATURES, _xml(f"<ofd:Signatures {_XMLNS}/>")),
        ]
    )


def _page(page: pikepdf.Object, making: _Making, qr: QrStamp | None) -> _Page:
    """One page: its resources get their IDs before its objects do."""
    left, bottom, width, height = (float(edge) for edge in page.MediaBox)
    if left or bottom or "/Rotate" in page or "/CropBox" in page or "/UserUnit" in page:
        raise IntegrityError("A typeset page is turned, cut or moved, which Typst does not do.")
    space = PageSpace.of(width, height)
    resources = _page_resources(page.Resources, making)
    content = page.Contents.read_bytes()
    page_id, layer_id = making.next_id(), making.next_id()
    grey = frozenset(
        name[1:] for name, value in page.Resources.get("/ColorSpace", pikepdf.Dictionary()).items() if _grey(value)
    )
    objects = list(page_objects(drawn(content, grey), resources, space, making.next_id))
    if qr is not None:
        objects += qr_objects(qr, space, making.next_id)
    _, _, width_mm, height_mm = space.box
    layer = f'<ofd:Layer ID="{layer_id}" Type="Body">{"".join(objects)}</ofd:Layer>'
    return _Page(page_id, width_mm, height_mm, layer)


def _grey(space: pikepdf.Object) -> bool:
    """Whether a colour space of Typst's has one component; it writes ICC profiles of one and three."""
    kind = str(space[0]) if isinstance(space, pikepdf.Array) else str(space)
    if kind != "/ICCBased" or int(space[1].N) not in {1, 3}:
        raise IntegrityError("A typeset page has a colour space that Typst did not use.")
    return int(space[1].N) == 1


def _page_resources(resources: pikepdf.Object, making: _Making) -> PageResources:
    fonts, images = {}, {}
    for name, font in resources.get("/Font", pikepdf.Dictionary()).items():
        if font.objgen not in making.fonts:
            made: EmbeddedFont = embedded_font(font)
            making.fonts[font.objgen] = FontInUse(making.next_id(), made)
        fonts[name[1:]] = making.fonts[font.objgen]
    for name, image in resources.get("/XObject", pikepdf.Dictionary()).items():
        if image.objgen not in making.images:
            making.images[image.objgen] = (making.next_id(), _jpeg(image))
        images[name[1:]] = making.images[image.objgen][0]
    return PageResources(fonts, images)


def _jpeg(image: pikepdf.Object) -> bytes:
    """An image's file as Typst embedded it: `signing.typeset.photo` gives it JPEG alone."""
    if image.get("/Subtype") != "/Image" or image.get("/Filter") != "/DCTDecode" or "/SMask" in image:
        raise IntegrityError("A typeset page has a picture that is no plain JPEG.")
    return image.read_raw_bytes()


def _resources(making: _Making) -> Iterator[Entry]:
    """PublicRes.xml with the fonts, DocumentRes.xml with the images if there are any, and their files."""
    fonts = sorted(making.fonts.values(), key=lambda used: used.id)
    listed = "".join(
        f'<ofd:Font ID="{used.id}" FontName={quoteattr(used.font.name)} FamilyName={quoteattr(used.font.name)}>'
        f"<ofd:FontFile>font_{used.id}.otf</ofd:FontFile></ofd:Font>"
        for used in fonts
    )
    public = f"<ofd:Fonts>{listed}</ofd:Fonts>" if listed else ""
    yield packed(f"{DOC}/PublicRes.xml", _xml(f'<ofd:Res {_XMLNS} BaseLoc="Res">{public}</ofd:Res>'))
    images = sorted(making.images.values())
    if images:
        pictures = "".join(
            f'<ofd:MultiMedia ID="{key}" Type="Image" Format="JPEG"><ofd:MediaFile>image_{key}.jpg</ofd:MediaFile>'
            "</ofd:MultiMedia>"
            for key, _ in images
        )
        listing = f'<ofd:Res {_XMLNS} BaseLoc="Res"><ofd:MultiMedias>{pictures}</ofd:MultiMedias></ofd:Res>'
        yield packed(f"{DOC}/DocumentRes.xml", _xml(listing))
    for used in fonts:
        yield packed(f"{DOC}/Res/font_{used.id}.otf", used.font.file)
    for key, jpeg in images:
        yield packed(f"{DOC}/Res/image_{key}.jpg", jpeg, deflate=False)


def _ofd_xml(facts: CertificateFacts, document_id: str, at: datetime) -> bytes:
    datas = "".join(
        f"<ofd:CustomData Name={quoteattr(name)}>{escape(value)}</ofd:CustomData>"
        for name, value in custom_datas(facts, at=at)
    )
    return _xml(
        f'<ofd:OFD {_XMLNS} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{document_id}</ofd:DocID><ofd:Title>{escape(facts.type_name)}</ofd:Title>"
        f"<ofd:Author>{escape(facts.authority_name)}</ofd:Author>"
        f"<ofd:CreationDate>{at.date().isoformat()}</ofd:CreationDate><ofd:Creator>{_CREATOR}</ofd:Creator>"
        f"<ofd:CustomDatas>{datas}</ofd:CustomDatas></ofd:DocInfo>"
        f"<ofd:DocRoot>/{DOC}/Document.xml</ofd:DocRoot><ofd:Signatures>/{SIGNATURES}</ofd:Signatures>"
        "</ofd:DocBody></ofd:OFD>"
    )


def _document_xml(pages: list[_Page], making: _Making) -> bytes:
    listed = "".join(
        f'<ofd:Page ID="{page.id}" BaseLoc="/{DOC}/Pages/Page_{index}/Content.xml"/>'
        for index, page in enumerate(pages)
    )
    pictures = f"<ofd:DocumentRes>/{DOC}/DocumentRes.xml</ofd:DocumentRes>" if making.images else ""
    return _xml(
        f"<ofd:Document {_XMLNS}><ofd:CommonData><ofd:MaxUnitID>{making.last_id}</ofd:MaxUnitID>"
        f"<ofd:PageArea>{_physical(pages[0])}</ofd:PageArea><ofd:PublicRes>/{DOC}/PublicRes.xml</ofd:PublicRes>"
        f"{pictures}</ofd:CommonData><ofd:Pages>{listed}</ofd:Pages>"
        f"<ofd:Attachments>/{DOC}/Attachs/Attachments.xml</ofd:Attachments></ofd:Document>"
    )


def _page_xml(page: _Page) -> bytes:
    return _xml(
        f"<ofd:Page {_XMLNS}><ofd:Area>{_physical(page)}</ofd:Area>"
        f"<ofd:Content>{page.content}</ofd:Content></ofd:Page>"
    )


def _physical(page: _Page) -> str:
    return f"<ofd:PhysicalBox>0 0 {number(page.width)} {number(page.height)}</ofd:PhysicalBox>"


def _attachments_xml(face: bytes, at: datetime) -> bytes:
    size_kib = number(len(face) / 1024, 3)
    moment = at.replace(microsecond=0, tzinfo=None).isoformat()
    return _xml(
        f'<ofd:Attachments {_XMLNS}><ofd:Attachment ID="a001" Name={quoteattr(FACE_NAME)} Format="json" '
        f'CreationDate="{moment}" Size="{size_kib}" Visible="true">'
        f"<ofd:FileLoc>/{DOC}/Attachs/{FACE_FILE}</ofd:FileLoc></ofd:Attachment></ofd:Attachments>"
    )


def _xml(text: str) -> bytes:
    return (_HEAD + text).encode()
