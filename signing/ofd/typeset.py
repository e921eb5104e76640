"""A certificate as OFD, from the page that Typst set as PDF: the same glyphs at the same places."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from itertools import chain, takewhile

import pikepdf

from signing.appearance import QrStamp
from signing.ofd.content import following, leading, split
from signing.ofd.document_files import OfdPage, OfdParts, TemplatePage, document_entries, template_xml
from signing.ofd.drawn import DrawnPath
from signing.ofd.fonts import embedded_font
from signing.ofd.geometry import PageSpace
from signing.ofd.metadata import CertificateFacts, face_data
from signing.ofd.package import written
from signing.ofd.page_objects import PageResources, page_objects
from signing.ofd.qr import qr_objects
from signing.ofd.texts import FontInUse
from vault.errors import IntegrityError

PAGES_MAX = 30  # as the typesetter sets
_TEMPLATES_KEPT = 64  # template pages: one a template and page, half a megabyte each
_DOCUMENT_ID_LENGTH = 32  # a UUID without hyphens, as DocID is


@dataclass(slots=True)
class _Ids:
    """Whole numbers, unique in the document."""

    last: int = 0

    def next(self) -> int:
        """The next one."""
        self.last += 1
        return self.last


@dataclass(frozen=True, slots=True)
class _Source:
    """A page of the PDF: its content's two parts and its size."""

    page: pikepdf.Object = field(repr=False)
    first: bytes = field(repr=False)
    rest: bytes = field(repr=False)
    grey: frozenset[str]
    space: PageSpace


@dataclass(slots=True)
class _Making:
    """What a document has gathered so far: template pages by what they are made from, and resources."""

    ids: _Ids = field(default_factory=_Ids)
    templates: dict[tuple[bytes, frozenset[str], PageSpace], TemplatePage] = field(default_factory=dict)
    fonts: dict[tuple[int, int], FontInUse] = field(default_factory=dict)
    pictures: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)


def typeset_ofd(page: bytes, *, facts: CertificateFacts, qr: QrStamp | None, at: datetime) -> bytes:
    """The OFD of a PDF that `signing.typeset` set; the same arguments give the same bytes.

    1. read the pages; 2. what a page draws before its first text becomes a template page, which is the same
    file in every certificate of a type; 3. the rest becomes the page's objects, `qr` on its page as the seal
    draws it on the PDF; 4. write the package, with an empty list of signatures, so that sealing changes no
    other file.

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
            grounds = [_ground(source, making) for source in sources]  # 2
            pages = [
                _page(source, ground, making, qr if qr is not None and qr.page == index else None)
                for index, (source, ground) in enumerate(zip(sources, grounds, strict=True), 1)
            ]  # 3
    except (pikepdf.PdfError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError("A typeset file is not written as Typst writes it.") from error
    face = face_data(facts, at=at)
    document_id = sha256(sha256(page).digest() + face).hexdigest()[:_DOCUMENT_ID_LENGTH]
    parts = OfdParts(
        document_id=document_id,
        facts=facts,
        face=face,
        pages=pages,
        templates=[*making.templates.values()],
        fonts=[*making.fonts.values()],
        pictures=[*making.pictures.values()],
        last_id=making.ids.last,
        at=at,
    )
    return written(document_entries(parts))  # 4


def _source(page: pikepdf.Object) -> _Source:
    left, bottom, width, height = (float(edge) for edge in page.MediaBox)
    if left or bottom or "/Rotate" in page or "/CropBox" in page or "/UserUnit" in page:
        raise IntegrityError("A typeset page is turned, cut or moved, which Typst does not do.")
    spaces = page.Resources.get("/ColorSpace", pikepdf.Dictionary()).items()
    grey = frozenset(name[1:] for name, value in spaces if _is_grey(value))
    first, rest = split(page.Contents.read_bytes())
    return _Source(page, first, rest, grey, PageSpace.of(width, height))


def _is_grey(space: pikepdf.Object) -> bool:
    """Whether a colour space of Typst's has one component; it writes ICC profiles of one and three."""
    kind = str(space[0]) if isinstance(space, pikepdf.Array) else str(space)
    if kind != "/ICCBased" or int(space[1].N) not in {1, 3}:
        raise IntegrityError("A typeset page has a colour space that Typst did not use.")
    return int(space[1].N) == 1


def _ground(source: _Source, making: _Making) -> TemplatePage | None:
    """The template page under a page; pages with the same ornaments share one."""
    key = (source.first, source.grey, source.space)
    if key in making.templates:
        return making.templates[key]
    made = _template_page(source.first, source.grey, source.space, making.ids.last)
    if made is not None:
        making.templates[key] = made
        making.ids.last = made.last_id
    return made


@lru_cache(maxsize=_TEMPLATES_KEPT)
def _template_page(first: bytes, grey: frozenset[str], space: PageSpace, last_id: int) -> TemplatePage | None:
    """The paths that a page begins with as a template page; kept, because every certificate has them."""
    things = [*takewhile(lambda thing: isinstance(thing, DrawnPath), leading(first, grey).things)]
    if not things:
        return None
    ids = _Ids(last_id)
    template_id, layer_id = ids.next(), ids.next()
    objects = "".join(page_objects(things, PageResources({}, {}), space, ids.next))
    return TemplatePage(template_id, template_xml(space, layer_id, objects), ids.last, len(things))


def _page(source: _Source, ground: TemplatePage | None, making: _Making, qr: QrStamp | None) -> OfdPage:
    """One page: what lies on its ornaments."""
    before = leading(source.first, source.grey)
    own = chain(
        before.things[0 if ground is None else ground.count :],
        following(source.rest, source.grey, before),
    )
    resources = _page_resources(source.page.Resources, making)
    page_id, layer_id = making.ids.next(), making.ids.next()
    objects = [*page_objects(own, resources, source.space, making.ids.next)]
    if qr is not None:
        objects += qr_objects(qr, source.space, making.ids.next)
    return OfdPage(page_id, layer_id, ground, source.space, "".join(objects))


def _page_resources(resources: pikepdf.Object, making: _Making) -> PageResources:
    """What the names in a page's content stand for; a font or picture of several pages has one resource."""
    fonts, pictures = {}, {}
    for name, font in resources.get("/Font", pikepdf.Dictionary()).items():
        if font.objgen not in making.fonts:
            making.fonts[font.objgen] = FontInUse(making.ids.next(), embedded_font(font))
        fonts[name[1:]] = making.fonts[font.objgen]
    for name, picture in resources.get("/XObject", pikepdf.Dictionary()).items():
        if picture.objgen not in making.pictures:
            making.pictures[picture.objgen] = (making.ids.next(), _jpeg(picture))
        pictures[name[1:]] = making.pictures[picture.objgen][0]
    return PageResources(fonts, pictures)


def _jpeg(picture: pikepdf.Object) -> bytes:
    """A picture's file as Typst embedded it: `signing.typeset.photo` gives it JPEG alone."""
    plain = picture.get("/Subtype") == "/Image" and picture.get("/Filter") == "/DCTDecode"
    if not plain or "/SMask" in picture:
        raise IntegrityError("A typeset page has a picture that is no plain JPEG.")
    return picture.read_raw_bytes()
