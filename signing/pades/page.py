"""One page as a seal sees it: its box and turn, its entries, and the graphics states it leaves behind."""

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field

import pikepdf

from signing.appearance import PageFrame, QrStamp
from vault.errors import DocumentRefused

CONTENT_MAX_BYTES = 32 * 1024 * 1024  # all streams of one page, inflated; dense drawings have a few MB
STATES_MAX = 500_000  # letters q and Q in a page's content: each may become an instruction of some 200 bytes
STRAY_CONTENT_MAX_BYTES = 2 * 1024 * 1024  # read as a whole, at some 100 times its size
TREE_DEPTH_MAX = 32  # a page tree deeper than this is no tree but a loop
# Operators that leave marks on the page (table 51); INLINE IMAGE is pikepdf's name for BI … EI
_PAINTING = frozenset(
    ("S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "INLINE IMAGE")
)
# Plain content: names, numbers, operators, strings in hexadecimal, arrays of numbers and strings. No string
# in brackets, no comment, no dictionary, no inline image: nothing in which a q is no operator.
_PLAIN_OCTETS = (
    bytes(range(0x30, 0x3A))
    + bytes(range(0x41, 0x5B))
    + bytes(range(0x61, 0x7B))
    + b"\x00\t\n\f\r +-.<>[]/*'\"_"
)
_ODD_STRING = re.compile(rb"<[^>]*[^0-9A-Fa-f\x00\t\n\f\r >]")
_ODD_ARRAY = re.compile(rb"\[[^]]*[^0-9A-Fa-f\x00\t\n\f\r +\-.<>\]]")
_SAVE_OR_RESTORE = re.compile(rb"[qQ](?![^\x00\t\n\f\r <>/\[\]])(?<![^\x00\t\n\f\r <>\[\]].)")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How many `q` and `Q` close the page's own content off from what is added behind it."""

    before: int
    after: int

    def around(self, drawing: bytes) -> tuple[bytes, bytes]:
        """The content streams to set before and behind the page's own, so that `drawing` lies on top."""
        return b"q\n" * self.before, b"\n" + b"Q\n" * self.after + drawing


@dataclass(frozen=True, slots=True)
class SealablePage:
    """A page object as the update rewrites it: its other entries, /Annots, and /Contents if it is stamped."""

    reference: tuple[int, int]
    entries: bytes = field(repr=False)
    annotations: tuple[bytes, ...] = field(repr=False)
    contents: tuple[bytes, ...] = field(repr=False)
    frame: PageFrame
    wrapping: Wrapping | None


def page_frame(page: pikepdf.Object) -> PageFrame:
    """The page as displayed: CropBox within MediaBox, /Rotate and /UserUnit, inherited where they may be.

    Raises:
        DocumentRefused: the page has no usable MediaBox, or a turn that is no multiple of 90.
    """
    media = _box(_inherited(page, "/MediaBox"))
    if media is None:
        raise DocumentRefused("The PDF is damaged: a page has no usable MediaBox.")
    crop = _box(_inherited(page, "/CropBox")) or media
    visible = (
        max(media[0], crop[0]),
        max(media[1], crop[1]),
        min(media[2], crop[2]),
        min(media[3], crop[3]),
    )
    if visible[0] >= visible[2] or visible[1] >= visible[3]:
        visible = media
    turn = int(_inherited(page, "/Rotate") or 0)
    if turn % 90:
        raise DocumentRefused("The PDF is damaged: a page is turned by an angle that is no multiple of 90.")
    return PageFrame(visible, turn % 360, float(page.get("/UserUnit", 1)))


def sealable_page(page: pikepdf.Object, qr: QrStamp | None) -> SealablePage:
    """Read a page. `qr`: what will be drawn on it, so its content is read as well, unless it is our own.

    Raises:
        DocumentRefused: no usable box, or content that nothing can be drawn behind.
    """
    annotations = page.get("/Annots", pikepdf.Array())
    stamped = qr is not None
    return SealablePage(
        reference=page.objgen,
        entries=dictionary_entries(page, "/Annots", *(("/Contents",) if stamped else ())),
        annotations=tuple(entry.unparse() for entry in annotations)
        if isinstance(annotations, pikepdf.Array)
        else (),
        contents=tuple(part.unparse() for part in _contents(page)) if stamped else (),
        frame=page_frame(page),
        wrapping=None if qr is None else Wrapping(1, 1) if qr.on_own_page else _wrapping(page),
    )


def _wrapping(page: pikepdf.Object) -> Wrapping:
    """Count what the page's content leaves open, so that what follows starts from the initial state.

    A stray `Q` is ignored by readers; under a wrapping `q` it would be obeyed. That changes nothing as long
    as nothing is painted behind it; else the page cannot be stamped.

    Raises:
        DocumentRefused: the content cannot be read, or paints behind a stray `Q`.
    """
    depth = lowest = 0
    try:
        content = page_content(page)
        for operator in saves_and_restores(page, content):
            depth += 1 if operator == "q" else -1
            lowest = min(lowest, depth)
        if lowest < 0 and (len(content) > STRAY_CONTENT_MAX_BYTES or _paints_after_stray(page)):
            raise DocumentRefused(
                "The page's content restores more graphics states than it saved; "
                "print the PDF to a new file and hand that in."
            )
    except pikepdf.PdfError as error:
        raise DocumentRefused("The PDF is damaged: a page's content cannot be read.") from error
    return Wrapping(before=1 - lowest, after=depth - lowest + 1)


def saves_and_restores(page: pikepdf.Object, content: bytes) -> Iterable[str]:
    """The operators q and Q of a page's content, in their order.

    Plain content is searched for them, a twentieth of the work; all else is taken apart by qpdf.
    """
    if _is_plain(content):
        return (operator.decode() for operator in _SAVE_OR_RESTORE.findall(content))
    found = (str(instruction.operator) for instruction in pikepdf.parse_content_stream(page, "q Q"))
    return (operator for operator in found if operator in {"q", "Q"})  # pikepdf lets `qq` pass, too


def _is_plain(content: bytes) -> bool:
    return not (
        content.translate(None, _PLAIN_OCTETS)
        or b"BI" in content
        or _ODD_STRING.search(content)
        or _ODD_ARRAY.search(content)
    )


def page_content(page: pikepdf.Object) -> bytes:
    """A page's content, inflated, counted part by part before all of it is parsed.

    Raises:
        DocumentRefused: it is too large to be read.
    """
    parts: list[bytes] = []
    size = states = 0
    for part in _contents(page):
        if not isinstance(part, pikepdf.Stream):
            continue
        content = part.read_bytes()
        parts.append(content)
        size += len(content)
        states += content.count(b"q") + content.count(b"Q")
        if size > CONTENT_MAX_BYTES or states > STATES_MAX:
            raise DocumentRefused(
                f"A page's content has over {CONTENT_MAX_BYTES} bytes or {STATES_MAX} graphics states."
            )
    return b"\n".join(parts)  # clause 7.8.2: a division between parts is one between tokens


def _paints_after_stray(page: pikepdf.Object) -> bool:
    depth, stray = 0, False
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        depth += (operator == "q") - (operator == "Q")
        stray = stray or depth < 0
        if stray and operator in _PAINTING:
            return True
    return False


def is_odd(page: pikepdf.Object) -> bool:
    """Whether annotations or content have another shape than clauses 7.7.3.3 and 12.5.2 give them."""
    if not isinstance(page.get("/Annots", pikepdf.Array()), pikepdf.Array):
        return True
    return any(not isinstance(part, pikepdf.Stream) or not part.is_indirect for part in _contents(page))


def _contents(page: pikepdf.Object) -> list[pikepdf.Object]:
    contents = page.get("/Contents", pikepdf.Array())
    return list(contents) if isinstance(contents, pikepdf.Array) else [contents]


def dictionary_entries(dictionary: pikepdf.Object, *without: str) -> bytes:
    """A dictionary's entries as PDF text, some left out; references stay references."""
    kept = copy(dictionary)  # shallow: the file's own dictionary stays as it is
    for key in without:
        if key in kept:
            del kept[key]
    return kept.unparse(resolved=True)[2:-2].strip()


def _inherited(page: pikepdf.Object, key: str) -> pikepdf.Object | None:
    """A page's attribute, its own or that of the nearest ancestor (ISO 32000-1, clause 7.7.3.4)."""
    node: pikepdf.Object | None = page
    for _ in range(TREE_DEPTH_MAX):
        if node is None or key in node:
            break
        node = node.get("/Parent")
    return None if node is None else node.get(key)


def _box(value: pikepdf.Object | None) -> tuple[float, float, float, float] | None:
    """A rectangle in order (left, bottom, right, top); None when it is none or empty."""
    if not isinstance(value, pikepdf.Array) or len(value) != 4:  # noqa: PLR2004 - two corners
        return None
    x1, y1, x2, y2 = (float(number) for number in value)
    if x1 == x2 or y1 == y2:
        return None
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
