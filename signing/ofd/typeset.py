"""A certificate as OFD, from the page that Typst set as PDF: the same glyphs at the same places."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from itertools import chain, count, takewhile
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pikepdf

from signing.appearance import QrStamp
from signing.ofd.content import DrawnPath, following, leading, split
from signing.ofd.fonts import EmbeddedFont, embedded_font
from signing.ofd.metadata import FACE_FILE, FACE_NAME, CertificateFacts, custom_datas, face_data
from signing.ofd.package import Entry, packed, packed_once, written
from signing.ofd.page_objects import FontInUse, PageResources, PageSpace, number, page_objects
from signing.ofd.qr import qr_objects
from vault.errors import IntegrityError

NAMESPACE: Final = "http://www.ofdspec.org/2016"
DOC: Final = "Doc_0"
SIGNATURES: Final = f"{DOC}/Signs/Signatures.xml"
_FOLDER = (
    f"{DOC}/"  # in Document.xml places are relative to it, as most files have them: ofd.js knows no other
)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = f'xmlns:ofd="{NAMESPACE}"'
_CREATOR = "certvault"
PAGES_MAX = 30  # as the typesetter sets
_ORNAMENTS_KEPT = 64  # template pages: one a template and page, half a megabyte each
_DOCUMENT_ID_LENGTH = 32  # a UUID without hyphens, as DocID is


@dataclass(frozen=True, slots=True)
class _Source:
    """A page of the PDF: its content's two parts, what its names stand for, its size."""

    page: pikepdf.Object = field(repr=False)
    first: bytes = field(repr=False)
    rest: bytes = field(repr=False)
    grey: frozenset[str]
    space: PageSpace


@dataclass(frozen=True, slots=True)
class _Ornaments:
    """A template page: its ID, its file, the last ID in it. `count`: how many things it draws."""

    id: int
    xml: bytes = field(repr=False)
    last_id: int
    count: int


@dataclass(frozen=True, slots=True)
class _Page:
    """`ornaments`: the template page under it, None if there is none."""

    id: int
    ornaments: _Ornaments | None
    space: PageSpace
    layer: str = field(repr=False)


@dataclass(slots=True)
class _Making:
    """What a document has gathered: IDs, template pages, resources."""

    last_id: int = 0
    templates: dict[tuple[bytes, frozenset[str], PageSpace], _Ornaments] = field(default_factory=dict)
    fonts: dict[tuple[int, int], FontInUse] = field(default_factory=dict)
    images: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)

    def next_id(self) -> int:
        """IDs are whole numbers, unique in the document."""
        self.last_id += 1
        return self.last_id


def typeset_ofd(page: bytes, *, facts: CertificateFacts, qr: QrStamp | None, at: datetime) -> bytes:
    """The OFD of a PDF that `signing.typeset` set; the same arguments give the same bytes.

    1. read the pages; 2. what a page draws before its first text becomes a template page, which is the same
    file in every certificate of a template; 3. the rest becomes the page's objects, `qr` on its page as the
    seal draws it on the PDF; 4. write the package, with an empty list of signatures, so that sealing changes
    no other file.

    Raises:
        InputError: the QR does not lie on its page.
        IntegrityError: the PDF holds what the writer does not know; nothing is ever left out.
    """
    making = _Making()
    try:
        with pikepdf.open(BytesIO(page)) as pdf:
            if not 0 < len(pdf.pages) <= PAGES_MAX:
                raise IntegrityError(f"A typeset file has 1 to {PAGES_MAX} pages, got {len(pdf.pages)}.")
            sources = [_source(held.obj) for held in pdf.pages]  # 1
            if qr is not None and not 0 < qr.page <= len(sources):
                raise IntegrityError(f"A QR is to stand on page {qr.page} of {len(sources)}.")
            grounds = [_under(source, making) for source in sources]  # 2
            pages = [
                _page(source, ground, making, qr if qr is not None and qr.page == index else None)
                for index, (source, ground) in enumerate(zip(sources, grounds, strict=True), 1)
            ]  # 3
    except pikepdf.PdfError as error:
        raise IntegrityError("A typeset file cannot be read.") from error
    face = face_data(facts, at=at)
    document_id = sha256(sha256(page).digest() + face).hexdigest()[:_DOCUMENT_ID_LENGTH]
    return written(  # 4
        [
            packed("OFD.xml", _ofd_xml(facts, document_id, at)),
            packed(f"{DOC}/Document.xml", _document_xml(pages, making)),
            *_resources(making),
            *(
                packed_once(_template_path(index), made.xml)
                for index, made in enumerate(making.templates.values())
            ),
            *(packed(_page_path(index), _page_xml(made)) for index, made in enumerate(pages)),
            packed(f"{DOC}/Attachs/Attachments.xml", _attachments_xml(face, at)),
            packed(f"{DOC}/Attachs/{FACE_FILE}", face),
            packed(SIGNATURES, _xml(f"<ofd:Signatures {_XMLNS}/>")),
        ]
    )


def _source(page: pikepdf.Object) -> _Source:
    left, bottom, width, height = (float(edge) for edge in page.MediaBox)
    if left or bottom or "/Rotate" in page or "/CropBox" in page or "/UserUnit" in page:
        raise IntegrityError("A typeset page is turned, cut or moved, which Typst does not do.")
    spaces = page.Resources.get("/ColorSpace", pikepdf.Dictionary()).items()
    grey = frozenset(name[1:] for name, value in spaces if _grey(value))
    first, rest = split(page.Contents.read_bytes())
    return _Source(page, first, rest, grey, PageSpace.of(width, height))


def _under(source: _Source, making: _Making) -> _Ornaments | None:
    """The template page under a page; pages with the same ornaments share one."""
    key = (source.first, source.grey, source.space)
    if key in making.templates:
        return making.templates[key]
    made = _ornaments(source.first, source.grey, source.space, making.last_id + 1)
    if made is None:
        return None
    making.templates[key] = made
    making.last_id = made.last_id
    return made


@lru_cache(maxsize=_ORNAMENTS_KEPT)
def _ornaments(first: bytes, grey: frozenset[str], space: PageSpace, first_id: int) -> _Ornaments | None:
    """The paths that a page begins with as a template page; kept, because every certificate has them."""
    things = [*takewhile(lambda thing: isinstance(thing, DrawnPath), leading(first, grey).things)]
    if not things:
        return None
    ids = count(first_id)
    template_id, layer_id = next(ids), next(ids)
    last_id = layer_id

    def next_id() -> int:
        nonlocal last_id
        last_id = next(ids)
        return last_id

    objects = "".join(page_objects(things, PageResources({}, {}), space, next_id))
    xml = _xml(
        f'<ofd:Page {_XMLNS}><ofd:Area>{_physical(space)}</ofd:Area><ofd:Content><ofd:Layer ID="{layer_id}" '
        f'Type="Background">{objects}</ofd:Layer></ofd:Content></ofd:Page>'
    )
    return _Ornaments(template_id, xml, last_id, len(things))


def _page(source: _Source, ground: _Ornaments | None, making: _Making, qr: QrStamp | None) -> _Page:
    """One page: what lies on its ornaments."""
    before = leading(source.first, source.grey)
    own = chain(
        before.things[0 if ground is None else ground.count :],
        following(source.rest, source.grey, before),
    )
    resources = _page_resources(source.page.Resources, making)
    page_id, layer_id = making.next_id(), making.next_id()
    objects = [*page_objects(own, resources, source.space, making.next_id)]
    if qr is not None:
        objects += qr_objects(qr, source.space, making.next_id)
    layer = f'<ofd:Layer ID="{layer_id}" Type="Body">{"".join(objects)}</ofd:Layer>'
    return _Page(page_id, ground, source.space, layer)


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
        f"<ofd:DocRoot>{DOC}/Document.xml</ofd:DocRoot><ofd:Signatures>/{SIGNATURES}</ofd:Signatures>"
        "</ofd:DocBody></ofd:OFD>"
    )


def _document_xml(pages: list[_Page], making: _Making) -> bytes:
    listed = "".join(
        f'<ofd:Page ID="{page.id}" BaseLoc="{_page_path(index).removeprefix(_FOLDER)}"/>'
        for index, page in enumerate(pages)
    )
    pictures = "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>" if making.images else ""
    templates = "".join(
        f'<ofd:TemplatePage ID="{made.id}" ZOrder="Background" BaseLoc="{_template_path(index).removeprefix(_FOLDER)}"/>'
        for index, made in enumerate(making.templates.values())
    )
    return _xml(
        f"<ofd:Document {_XMLNS}><ofd:CommonData><ofd:MaxUnitID>{making.last_id}</ofd:MaxUnitID>"
        f"<ofd:PageArea>{_physical(pages[0].space)}</ofd:PageArea>"
        f"<ofd:PublicRes>PublicRes.xml</ofd:PublicRes>{pictures}{templates}</ofd:CommonData>"
        f"<ofd:Pages>{listed}</ofd:Pages>"
        "<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments></ofd:Document>"
    )


def _page_xml(page: _Page) -> bytes:
    under = (
        ""
        if page.ornaments is None
        else f'<ofd:Template TemplateID="{page.ornaments.id}" ZOrder="Background"/>'
    )
    return _xml(
        f"<ofd:Page {_XMLNS}>{under}<ofd:Area>{_physical(page.space)}</ofd:Area>"
        f"<ofd:Content>{page.layer}</ofd:Content></ofd:Page>"
    )


def _page_path(index: int) -> str:
    return f"{DOC}/Pages/Page_{index}/Content.xml"


def _template_path(index: int) -> str:
    return f"{DOC}/Tpls/Tpl_{index}/Content.xml"


def _physical(space: PageSpace) -> str:
    _, _, width, height = space.box
    return f"<ofd:PhysicalBox>0 0 {number(width)} {number(height)}</ofd:PhysicalBox>"


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
