"""The files of an OFD around what its pages draw: OFD.xml, Document.xml, pages, resources, attachments.

Places in OFD.xml are written from the package's root; in Document.xml they are relative to it, as in most
files in the field: ofd.js knows no other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from signing.ofd.geometry import PageSpace, number
from signing.ofd.metadata import FACE_FILE, FACE_NAME, CertificateFacts, custom_datas
from signing.ofd.package import Entry, packed, packed_once
from signing.ofd.texts import FontInUse

NAMESPACE: Final = "http://www.ofdspec.org/2016"
FOLDER: Final = "Doc_0"
_SIGNATURES: Final = f"{FOLDER}/Signs/Signatures.xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = f'xmlns:ofd="{NAMESPACE}"'
_CREATOR = "certvault"


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """Ornaments: their ID, their file, the last ID in it. `count`: how many things it draws."""

    id: int
    xml: bytes = field(repr=False)
    last_id: int
    count: int


@dataclass(frozen=True, slots=True)
class OfdPage:
    """A page: the XML of its objects, on its template page if it has one."""

    id: int
    layer_id: int
    under: TemplatePage | None
    space: PageSpace
    objects: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfdParts:
    """All that a document is made of. `pictures`: JPEG files by their resource's ID."""

    document_id: str
    facts: CertificateFacts
    face: bytes = field(repr=False)
    pages: Sequence[OfdPage]
    templates: Sequence[TemplatePage]
    fonts: Sequence[FontInUse]
    pictures: Sequence[tuple[int, bytes]] = field(repr=False)
    last_id: int
    at: datetime


def document_entries(parts: OfdParts) -> Iterator[Entry]:
    """The files of the package in their order, with an empty list of signatures at its end."""
    yield packed("OFD.xml", _ofd_xml(parts))
    yield packed(f"{FOLDER}/Document.xml", _document_xml(parts))
    yield from _resources(parts)
    for index, template in enumerate(parts.templates):
        yield packed_once(f"{FOLDER}/{_template_place(index)}", template.xml)
    for index, page in enumerate(parts.pages):
        yield packed(f"{FOLDER}/{_page_place(index)}", _page_xml(page))
    yield packed(f"{FOLDER}/Attachs/Attachments.xml", _attachments_xml(parts))
    yield packed(f"{FOLDER}/Attachs/{FACE_FILE}", parts.face)
    yield packed(_SIGNATURES, _xml(f"<ofd:Signatures {_XMLNS}/>"))


def template_xml(space: PageSpace, layer_id: int, objects: str) -> bytes:
    """The file of a template page."""
    return _xml(
        f"<ofd:Page {_XMLNS}><ofd:Area>{_physical(space)}</ofd:Area><ofd:Content>"
        f'<ofd:Layer ID="{layer_id}" Type="Background">{objects}</ofd:Layer></ofd:Content></ofd:Page>'
    )


def _resources(parts: OfdParts) -> Iterator[Entry]:
    """PublicRes.xml with the fonts, DocumentRes.xml with the pictures if there are any, and their files."""
    fonts = "".join(
        f'<ofd:Font ID="{used.id}" FontName={quoteattr(used.font.name)} '
        f"FamilyName={quoteattr(used.font.name)}><ofd:FontFile>font_{used.id}.otf</ofd:FontFile></ofd:Font>"
        for used in parts.fonts
    )
    listed = f"<ofd:Fonts>{fonts}</ofd:Fonts>" if fonts else ""
    yield packed(f"{FOLDER}/PublicRes.xml", _xml(f'<ofd:Res {_XMLNS} BaseLoc="Res">{listed}</ofd:Res>'))
    if parts.pictures:
        pictures = "".join(
            f'<ofd:MultiMedia ID="{key}" Type="Image" Format="JPEG">'
            f"<ofd:MediaFile>image_{key}.jpg</ofd:MediaFile></ofd:MultiMedia>"
            for key, _ in parts.pictures
        )
        listed = f"<ofd:MultiMedias>{pictures}</ofd:MultiMedias>"
        yield packed(f"{FOLDER}/DocumentRes.xml", _xml(f'<ofd:Res {_XMLNS} BaseLoc="Res">{listed}</ofd:Res>'))
    for used in parts.fonts:
        # A subset's outlines pack to four fifths, which making and sealing would pay a millisecond for.
        yield packed(f"{FOLDER}/Res/font_{used.id}.otf", used.font.file, deflate=False)
    for key, jpeg in parts.pictures:
        yield packed(f"{FOLDER}/Res/image_{key}.jpg", jpeg, deflate=False)


def _ofd_xml(parts: OfdParts) -> bytes:
    datas = "".join(
        f"<ofd:CustomData Name={quoteattr(name)}>{escape(value)}</ofd:CustomData>"
        for name, value in custom_datas(parts.facts, at=parts.at)
    )
    return _xml(
        f'<ofd:OFD {_XMLNS} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{parts.document_id}</ofd:DocID><ofd:Title>{escape(parts.facts.type_name)}</ofd:Title>"
        f"<ofd:Author>{escape(parts.facts.authority_name)}</ofd:Author>"
        f"<ofd:CreationDate>{parts.at.date().isoformat()}</ofd:CreationDate>"
        f"<ofd:Creator>{_CREATOR}</ofd:Creator><ofd:CustomDatas>{datas}</ofd:CustomDatas></ofd:DocInfo>"
        f"<ofd:DocRoot>{FOLDER}/Document.xml</ofd:DocRoot><ofd:Signatures>/{_SIGNATURES}</ofd:Signatures>"
        "</ofd:DocBody></ofd:OFD>"
    )


def _document_xml(parts: OfdParts) -> bytes:
    pages = "".join(
        f'<ofd:Page ID="{page.id}" BaseLoc="{_page_place(index)}"/>' for index, page in enumerate(parts.pages)
    )
    templates = "".join(
        f'<ofd:TemplatePage ID="{template.id}" ZOrder="Background" BaseLoc="{_template_place(index)}"/>'
        for index, template in enumerate(parts.templates)
    )
    pictures = "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>" if parts.pictures else ""
    return _xml(
        f"<ofd:Document {_XMLNS}><ofd:CommonData><ofd:MaxUnitID>{parts.last_id}</ofd:MaxUnitID>"
        f"<ofd:PageArea>{_physical(parts.pages[0].space)}</ofd:PageArea>"
        f"<ofd:PublicRes>PublicRes.xml</ofd:PublicRes>{pictures}{templates}</ofd:CommonData>"
        f"<ofd:Pages>{pages}</ofd:Pages><ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>"
        "</ofd:Document>"
    )


def _page_xml(page: OfdPage) -> bytes:
    under = ""
    if page.under is not None:
        under = f'<ofd:Template TemplateID="{page.under.id}" ZOrder="Background"/>'
    return _xml(
        f"<ofd:Page {_XMLNS}>{under}<ofd:Area>{_physical(page.space)}</ofd:Area><ofd:Content>"
        f'<ofd:Layer ID="{page.layer_id}" Type="Body">{page.objects}</ofd:Layer></ofd:Content></ofd:Page>'
    )


def _attachments_xml(parts: OfdParts) -> bytes:
    size_kib = number(len(parts.face) / 1024, 3)
    moment = parts.at.replace(microsecond=0, tzinfo=None).isoformat()
    return _xml(
        f'<ofd:Attachments {_XMLNS}><ofd:Attachment ID="a001" Name={quoteattr(FACE_NAME)} Format="json" '
        f'CreationDate="{moment}" Size="{size_kib}" Visible="true">'
        f"<ofd:FileLoc>/{FOLDER}/Attachs/{FACE_FILE}</ofd:FileLoc></ofd:Attachment></ofd:Attachments>"
    )


def _page_place(index: int) -> str:
    return f"Pages/Page_{index}/Content.xml"


def _template_place(index: int) -> str:
    return f"Tpls/Tpl_{index}/Content.xml"


def _physical(space: PageSpace) -> str:
    _, _, width, height = space.box
    return f"<ofd:PhysicalBox>0 0 {number(width)} {number(height)}</ofd:PhysicalBox>"


def _xml(text: str) -> bytes:
    return (_HEAD + text).encode()
