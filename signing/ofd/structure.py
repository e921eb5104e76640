"""What sealing needs to know of an OFD: its one document, the pages, the signatures that it carries already.

Read strictly where it decides something and leniently elsewhere: places may be relative or absolute, the
namespace old or new (GB/T 33190 as files in the field have it).
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from signing.ofd.package import Entry
from vault.errors import DocumentRefused

ROOT: Final = "OFD.xml"  # the one name that is fixed
XML_MAX_BYTES = 8 * 1024 * 1024  # a list of pages or signatures; pages themselves are only begun
SIGNATURES_MAX = 200  # a contract of many parties has a dozen
PAGES_MAX = 10_000
SIDE_MAX_MM = 5_000.0  # a plan on the longest plotter; a page's origin is no farther from zero
_BOX_NUMBERS = 4
_CHUNK_BYTES = 512  # of a page, until its area is read, which stands in the first few hundred
_DEFAULT_SIGNS = "Signs"


@dataclass(frozen=True, slots=True)
class PageBox:
    """A page's PhysicalBox in millimetres."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is there already: its ID, and the files that it covers."""

    id: str
    covers: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfdStructure:
    """An OFD with one document. `signatures_path`: its list, whether or not it is there yet.

    `template_paths`: what pages have under them. `declared`: OFD.xml names the list. `signed`: the signatures
    in it. `max_sign_id`: as written, if it is.
    """

    namespace: str
    document_path: str
    signatures_path: str
    declared: bool
    page_ids: tuple[int, ...] = field(repr=False)
    page_paths: tuple[str, ...] = field(repr=False)
    template_paths: frozenset[str] = field(repr=False)
    area: PageBox | None
    signed: tuple[Signed, ...]
    max_sign_id: str | None


def read_structure(entries: Mapping[str, Entry]) -> OfdStructure:
    """Read OFD.xml, Document.xml and the signatures.

    Raises:
        DocumentRefused: no OFD, more than one document in it, damaged, or not to be signed.
    """
    if ROOT not in entries:
        raise DocumentRefused("This is no OFD: it has no OFD.xml.")
    root = parsed(entries[ROOT].content())
    bodies = children(root, "DocBody")
    if local(root) != "OFD" or not bodies:
        raise DocumentRefused("This is no OFD: OFD.xml names no document.")
    if len(bodies) > 1:
        raise DocumentRefused("The OFD holds several documents; only one with one document is sealed.")
    body = bodies[0]
    document_path = _resolved(_text(body, "DocRoot"), ROOT, entries)
    if document_path is None:
        raise DocumentRefused("The OFD is damaged: its document is not in it.")
    document = parsed(entries[document_path].content())
    permitted = document.findtext("{*}Permissions/{*}Signature")
    if permitted is not None and permitted.strip().lower() in {"false", "0"}:
        raise DocumentRefused("The OFD says of itself that it must not be signed.")
    written = _text(body, "Signatures")
    path = _place(written, ROOT) if written else None
    if path is not None and path not in entries:  # another spelling of it would be a second list to a reader
        raise DocumentRefused("The OFD is damaged: its list of signatures is not in it under the name given.")
    signatures_path = path or _own_list(document_path, entries)
    signed, max_sign_id = _signatures(signatures_path, entries)
    pages = tuple(_pages(document, document_path, entries))
    return OfdStructure(
        namespace=etree.QName(root).namespace or "",
        document_path=document_path,
        signatures_path=signatures_path,
        declared=path is not None,
        page_ids=tuple(page_id for page_id, _ in pages),
        page_paths=tuple(page_path for _, page_path in pages),
        template_paths=frozenset(
            _resolved(template.get("BaseLoc", ""), document_path, entries) or ""
            for template in document.iterfind("{*}CommonData/{*}TemplatePage")
        ),
        area=_box(document.findtext("{*}CommonData/{*}PageArea/{*}PhysicalBox")),
        signed=signed,
        max_sign_id=max_sign_id,
    )


def page_box(structure: OfdStructure, page: bytes) -> PageBox:
    """The size of a page, whose file this is: its own area, or the document's.

    Raises:
        DocumentRefused: neither has a usable box.
    """
    box = _page_area(page) or structure.area
    if box is None:
        raise DocumentRefused("The OFD is damaged: a page has no usable size.")
    return box


def parsed(content: bytes) -> Any:  # noqa: ANN401 - lxml has no types
    """An XML file's root element.

    Raises:
        DocumentRefused: too large, not well-formed, or with a DOCTYPE, which no OFD has.
    """
    if len(content) > XML_MAX_BYTES:
        raise DocumentRefused(f"The OFD has a list of more than {XML_MAX_BYTES} bytes.")
    try:
        root = etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentRefused("The OFD is damaged: one of its XML files is not well-formed.") from error
    if root.getroottree().docinfo.doctype:
        raise DocumentRefused("The OFD has a DOCTYPE, which no OFD has.")
    return root


def children(element: Any, name: str) -> list[Any]:  # noqa: ANN401 - lxml has no types
    """Child elements of this local name, in whatever namespace."""
    return [*element.iterchildren(f"{{*}}{name}")]


def local(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    """An element's local name."""
    return str(etree.QName(element).localname)


def _parser() -> Any:  # noqa: ANN401 - lxml has no types
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _text(element: Any, name: str) -> str:  # noqa: ANN401 - lxml has no types
    return (element.findtext(f"{{*}}{name}") or "").strip()


def _place(location: str, holder: str) -> str:
    """An ST_Loc as a name in the package: from its root with `/`, else beside the file that holds it."""
    if location.startswith("/"):
        return posixpath.normpath(location.lstrip("/"))
    return posixpath.normpath(posixpath.join(posixpath.dirname(holder), location))


def _resolved(location: str, holder: str, entries: Mapping[str, Entry]) -> str | None:
    """The entry that an ST_Loc names; some writers mean the package's root without saying `/`."""
    if not location:
        return None
    for name in (_place(location, holder), posixpath.normpath(location.lstrip("/"))):
        if name in entries:
            return name
    return None


def _own_list(document_path: str, entries: Mapping[str, Entry]) -> str:
    """Where a list of signatures goes that OFD.xml does not name yet; the paths of signatures are ASCII."""
    folder = posixpath.dirname(document_path)
    base = posixpath.join(folder if folder.isascii() else "", _DEFAULT_SIGNS)
    taken = folded_names(entries)
    for number in range(SIGNATURES_MAX):
        path = f"{base}{number or ''}/Signatures.xml"
        if path.casefold() not in taken and not is_file(posixpath.dirname(path), entries):
            return path
    raise DocumentRefused("The OFD has no room for a list of signatures.")


def folded_names(entries: Iterable[str]) -> frozenset[str]:
    """Each file and each folder above one, folded: to some readers what differs in case alone is one name."""
    found: set[str] = set()
    for entry in entries:
        name = entry.removesuffix("/").casefold()
        while name and name not in found:
            found.add(name)
            name = posixpath.dirname(name)
    return frozenset(found)


def is_file(path: str, entries: Iterable[str]) -> bool:
    """Whether a file has this name, in whatever case, so that no folder may."""
    return path.casefold() in {name.casefold() for name in entries}


def _signatures(path: str, entries: Mapping[str, Entry]) -> tuple[tuple[Signed, ...], str | None]:
    """What the list names; one that is not there yet names nothing."""
    if path not in entries:
        return (), None
    root = parsed(entries[path].content())
    listed = children(root, "Signature")
    if len(listed) > SIGNATURES_MAX:
        raise DocumentRefused(f"The OFD has more than {SIGNATURES_MAX} signatures.")
    found = []
    for element in listed:
        where = _resolved(element.get("BaseLoc", ""), path, entries)
        if where is None:
            raise DocumentRefused("The OFD names a signature that is not in it.")
        references = parsed(entries[where].content()).iterfind("{*}SignedInfo/{*}References/{*}Reference")
        covers = frozenset(
            covered
            for reference in references
            for covered in [_resolved(reference.get("FileRef", ""), where, entries)]
            if covered is not None
        )
        found.append(Signed(element.get("ID", ""), covers))
    return tuple(found), _text(root, "MaxSignId") or None


def _pages(document: Any, path: str, entries: Mapping[str, Entry]) -> Iterator[tuple[int, str]]:  # noqa: ANN401 - lxml has no types
    listed = document.findall("{*}Pages/{*}Page")
    if not 0 < len(listed) <= PAGES_MAX:
        raise DocumentRefused(f"An OFD has 1 to {PAGES_MAX} pages, got {len(listed)}.")
    for page in listed:
        where = _resolved(page.get("BaseLoc", ""), path, entries)
        try:
            page_id = int(page.get("ID", ""))
        except ValueError:
            page_id = -1
        if where is None or page_id < 0:
            raise DocumentRefused("The OFD is damaged: a page of its list is not in it.")
        yield page_id, where


def _page_area(content: bytes) -> PageBox | None:
    """The PhysicalBox of a page's own Area, which stands in front of its content."""
    reader = etree.XMLPullParser(
        events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        for place in range(0, len(content), _CHUNK_BYTES):
            reader.feed(content[place : place + _CHUNK_BYTES])
            for event, element in reader.read_events():
                name = local(element) if isinstance(element.tag, str) else ""
                if event == "start" and name == "Content":
                    return None
                if event == "end" and name == "PhysicalBox":
                    return _box(element.text)
    except etree.XMLSyntaxError as error:
        raise DocumentRefused("The OFD is damaged: a page is not well-formed.") from error
    return None


def _box(text: str | None) -> PageBox | None:
    """ST_Box: left, top, width, height."""
    try:
        numbers = [float(part) for part in (text or "").split()]
    except ValueError:
        return None
    if len(numbers) != _BOX_NUMBERS or not all(0 < side <= SIDE_MAX_MM for side in numbers[2:]):
        return None
    if not all(abs(place) <= SIDE_MAX_MM for place in numbers[:2]):  # a seal's box counts from there
        return None
    return PageBox(*numbers)
