"""Usage copies (加注件): the look of every page of a document, under a watermark, in a new file.

Nothing of the original but what its pages show goes into the copy: no form, no signature, no action, no
attached file. Each page becomes one form XObject (ISO 32000-1, clause 8.10), upright and in its own size, and
a strip below it says what the copy is for.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

import pikepdf

from signing.active_content import check_objects
from signing.appearance import POINTS_PER_MM, PageFrame, number
from signing.opening import open_pdf
from signing.pades.page import page_content, page_frame
from vault.errors import DocumentRefused, VaultError
from vault.model.catalogue import SealPlace

ORIGINAL_MAX_BYTES = 50 * 1024 * 1024  # what the gate takes: no original of the vault is larger
PAGES_MAX = 2_000  # as the gate's: a copy of each certificate that was sealed can be made
# Content of all pages, inflated: pages that share one are each written out. Dense plans have 100 kB a page.
CONTENT_MAX_BYTES = 128 * 1024 * 1024
# A receipt's slip is narrower than words can be: its copy gets white margins.
WIDTH_MIN_MM = 105.0
_STRIP_WIDTH_MM = 210.0  # what the strip's template is set for; its seal stands in the room at the right
_SEAL_FROM_RIGHT_MM = 28.0
_SEAL_MM = 25.0
_STRIP_AIR_MM = 1.5  # above and below the seal
_A4_AREA_MM2 = 210.0 * 297.0
_TILT = math.radians(30)
_CELL_APART = 1.12  # from the middle of a cell to the next in its row, in cell widths
_ROW_APART = 1.85  # in cell heights: what is below must stay readable
_ROWS_MAX = 60  # each way from the middle: more only where a page is a ribbon


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What the file's metadata say: which use, of which original (SHA-256, hex), in words, made when."""

    use: str
    original_sha256: str
    title: str = field(repr=False)
    description: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class UsageCopy:
    """A copy that waits for its seal, and where on it the seal stands."""

    content: bytes = field(repr=False)
    page_count: int
    seal_place: SealPlace


def make_usage_copy(original: bytes, *, marks: bytes, facts: CopyFacts) -> UsageCopy:
    """Copy what every page shows, and lay the marks over it. The original is read and never written.

    `marks`: a file of two pages, cell and strip, as `Typesetter.usage_marks` sets it.

    1. open the original as the gate does; 2. draw what annotations show into their pages, seals above all; 3.
    each page becomes a drawing on a page of a new file, turned upright, with cells across it and the strip
    below; 4. metadata name the original and the use; 5. what the drawings brought along must pass the gate.

    Raises:
        DocumentRefused: the original is no PDF that can be read, has too many pages, or shows things that a
            file with a seal must not have (content kept elsewhere, for example).
    """
    if len(original) > ORIGINAL_MAX_BYTES:
        raise DocumentRefused(f"The file has {len(original)} bytes; at most {ORIGINAL_MAX_BYTES} are copied.")
    try:
        with open_pdf(original) as source, pikepdf.open(BytesIO(marks)) as drawn, pikepdf.new() as copy:  # 1
            _check(source)
            source.flatten_annotations("screen")  # 2
            sheets = _Sheets(copy, drawn)
            frames = [sheets.add(page) for page in source.pages]  # 3
            _carry_layers(source, copy)
            _describe(copy, facts)  # 4
            check_objects(copy)  # 5
            out = BytesIO()
            copy.save(
                out,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,  # pictures and fonts are never inflated
            )
            return UsageCopy(out.getvalue(), len(frames), sheets.seal_place(frames[0]))
    except pikepdf.PasswordError as error:
        raise DocumentRefused("The PDF is encrypted: its pages cannot be copied.") from error
    except VaultError:
        raise
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DocumentRefused("The PDF is damaged: its pages cannot be copied.") from error


def _check(source: pikepdf.Pdf) -> None:
    if source.is_encrypted:
        raise DocumentRefused("The PDF is encrypted: its pages cannot be copied.")
    if not 1 <= len(source.pages) <= PAGES_MAX:
        raise DocumentRefused(f"The PDF has {len(source.pages)} pages; 1 to {PAGES_MAX} are copied.")
    size = 0
    for page in source.pages:
        size += len(page_content(page.obj))
        if size > CONTENT_MAX_BYTES:
            raise DocumentRefused(f"The PDF's pages have over {CONTENT_MAX_BYTES} bytes of content.")
    form = source.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and bool(form.get("/NeedAppearances", False)):
        raise DocumentRefused("The PDF has a form that each reader draws anew: nobody knows what it shows.")


class _Sheets:
    """The pages of a copy. Pages of one size share their watermark."""

    def __init__(self, copy: pikepdf.Pdf, marks: pikepdf.Pdf) -> None:
        self._copy = copy
        cell, strip = (copy.copy_foreign(page.as_form_xobject()) for page in marks.pages)
        self._cell, self._strip = cell, strip
        self._overlays: dict[tuple[float, float, float], pikepdf.Object] = {}

    def add(self, page: pikepdf.Page) -> PageFrame:
        """Copies a page; its frame, for who has to find a place on it."""
        frame = page_frame(page.obj)
        drawing = self._copy.copy_foreign(_drawing(page))
        width, height = _size(frame)
        sheet_width = max(width, frame.length(WIDTH_MIN_MM))
        strip = self._strip_height(frame)
        drawing.BBox = pikepdf.Array([*map(_real, frame.box)])
        drawing.Matrix = pikepdf.Array(
            [*map(_real, _upright(frame, right=(sheet_width - width) / 2, up=strip))]
        )
        overlay = self._overlay(sheet_width, height + strip, frame)
        entries = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=pikepdf.Array([0, 0, _real(sheet_width), _real(height + strip)]),
            Resources=pikepdf.Dictionary(XObject=pikepdf.Dictionary(Original=drawing, Marks=overlay)),
            Contents=self._copy.make_stream(b"q /Original Do Q q /Marks Do Q"),
        )
        if frame.user_unit != 1:
            entries.UserUnit = _real(frame.user_unit)
        self._copy.pages.append(pikepdf.Page(self._copy.make_indirect(entries)))
        return frame

    def seal_place(self, frame: PageFrame) -> SealPlace:
        """In the room that the first page's strip keeps for it."""
        scale = max(frame.width_mm, WIDTH_MIN_MM) / _STRIP_WIDTH_MM
        strip_mm = float(self._strip.BBox[3]) / POINTS_PER_MM * scale
        size_mm = min(_SEAL_MM * scale, strip_mm - 2 * _STRIP_AIR_MM * scale)
        right_mm = _STRIP_WIDTH_MM * scale - _SEAL_FROM_RIGHT_MM * scale
        return SealPlace(1, right_mm, frame.height_mm + strip_mm / 2, size_mm)

    def _strip_height(self, frame: PageFrame) -> float:
        sheet_width = max(_size(frame)[0], frame.length(WIDTH_MIN_MM))
        return float(self._strip.BBox[3]) * sheet_width / float(self._strip.BBox[2])

    def _overlay(self, width: float, height: float, frame: PageFrame) -> pikepdf.Object:
        key = (round(width, 2), round(height, 2), round(frame.user_unit, 4))
        if key not in self._overlays:
            scale = width / float(self._strip.BBox[2])
            strip = float(self._strip.BBox[3]) * scale
            box = f"0 {number(strip)} {number(width)} {number(height - strip)} re W n"
            lines = [f"/Artifact BMC q {box}"]
            lines += [f"q {placed} cm /Cell Do Q" for placed in self._cells(width, height, strip, frame)]
            lines.append(f"Q q {number(scale)} 0 0 {number(scale)} 0 0 cm /Strip Do Q EMC")
            overlay = self._copy.make_stream("\n".join(lines).encode("ascii"))
            overlay.Type, overlay.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
            overlay.BBox = pikepdf.Array([0, 0, _real(width), _real(height)])
            overlay.Resources = pikepdf.Dictionary(
                XObject=pikepdf.Dictionary(Cell=self._cell, Strip=self._strip)
            )
            self._overlays[key] = overlay
        return self._overlays[key]

    def _cells(self, width: float, height: float, strip: float, frame: PageFrame) -> Iterator[str]:
        """Matrices of the cells: tilted rows from the middle outwards, every other one shifted by half.

        A small page gets small cells, so that each page shows the whole text a few times.
        """
        unit = frame.length(1)  # a millimetre
        scale = math.sqrt(width * (height - strip) / _A4_AREA_MM2) / unit * (unit / POINTS_PER_MM)
        cell_width, cell_height = (float(self._cell.BBox[n]) * scale for n in (2, 3))
        cos, sin = math.cos(_TILT), math.sin(_TILT)
        middle = width / 2, strip + (height - strip) / 2
        reach = math.hypot(width, height - strip) / 2
        across = min(_ROWS_MAX, math.ceil(reach / (cell_width * _CELL_APART)) + 1)
        rows = min(_ROWS_MAX, math.ceil(reach / (cell_height * _ROW_APART)) + 1)
        turn = " ".join(number(part * scale) for part in (cos, sin, -sin, cos))
        for row in range(-rows, rows + 1):
            for column in range(-across, across + 1):
                along = (column + (row % 2) / 2 - 0.25) * cell_width * _CELL_APART - cell_width / 2
                up = row * cell_height * _ROW_APART - cell_height / 2
                x, y = middle[0] + along * cos - up * sin, middle[1] + along * sin + up * cos
                if _meets(x, y, cell_width, cell_height, (0, strip, width, height)):
                    yield f"{turn} {number(x)} {number(y)}"


def _meets(
    x: float, y: float, cell_width: float, cell_height: float, box: tuple[float, float, float, float]
) -> bool:
    """Whether the upright rectangle around a tilted cell that starts at (x, y) touches a box."""
    cos, sin = math.cos(_TILT), math.sin(_TILT)
    left, right = x - cell_height * sin, x + cell_width * cos
    top = y + cell_width * sin + cell_height * cos
    return left < box[2] and right > box[0] and y < box[3] and top > box[1]


def _drawing(page: pikepdf.Page) -> pikepdf.Object:
    """What a page shows as a form XObject of its own file.

    A `Q` too many is ignored on a page and ends a drawing's own state in some readers: it is left out.
    """
    depth = 0
    for instruction in pikepdf.parse_content_stream(page.obj, "q Q"):
        depth += 1 if str(instruction.operator) == "q" else -1
        if depth < 0:
            page.add_content_token_filter(_DropsStray())
            break
    return page.as_form_xobject(handle_transformations=False)


class _DropsStray(pikepdf.TokenFilter):
    """Leaves out every `Q` that restores what nothing has saved."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def handle_token(self, token: pikepdf.Token = None) -> pikepdf.Token | None:  # type: ignore[assignment]  # pikepdf's own signature
        """One token of the content stream: itself, or nothing."""
        if token.type_ is pikepdf.TokenType.word and token.raw_value in {b"q", b"Q"}:
            if token.raw_value == b"Q" and self._depth == 0:
                return None
            self._depth += 1 if token.raw_value == b"q" else -1
        return token


def _upright(frame: PageFrame, *, right: float, up: float) -> tuple[float, ...]:
    """The matrix from the page's own space to the sheet: its visible box upright, moved `right` and `up`."""
    x1, y1, x2, y2 = frame.box
    turned = {
        0: (1, 0, 0, 1, -x1, -y1),
        90: (0, -1, 1, 0, -y1, x2),
        180: (-1, 0, 0, -1, x2, y2),
        270: (0, 1, -1, 0, y2, -x1),
    }[frame.rotation]
    return (*turned[:4], turned[4] + right, turned[5] + up)


def _size(frame: PageFrame) -> tuple[float, float]:
    """Width and height as displayed, in the page's own units."""
    return frame.length(frame.width_mm), frame.length(frame.height_mm)


def _carry_layers(source: pikepdf.Pdf, copy: pikepdf.Pdf) -> None:
    """Layers that are off stay off: without the list that says so, readers show them (clause 8.11.4)."""
    layers = source.Root.get("/OCProperties")
    if isinstance(layers, pikepdf.Dictionary):
        copy.Root.OCProperties = copy.copy_foreign(
            layers if layers.is_indirect else source.make_indirect(layers)
        )


def _describe(copy: pikepdf.Pdf, facts: CopyFacts) -> None:
    """XMP and its echo in /Info: a copy, of what (dc:source, clause 14.3 and Dublin Core), for which use."""
    with copy.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = facts.title
        metadata["dc:description"] = facts.description
        metadata["dc:type"] = ["usage copy"]
        metadata["dc:source"] = f"urn:sha256:{facts.original_sha256}"
        metadata["dc:identifier"] = f"urn:uuid:{facts.use}"
        metadata["xmp:CreateDate"] = facts.at.isoformat(timespec="seconds")
    copy.docinfo["/Title"] = facts.title
    copy.docinfo["/Subject"] = facts.description


def _real(value: float) -> pikepdf.Object:
    return pikepdf.Object.parse(number(value).encode("ascii"))
