"""A small renderer of OFD pages, written from GB/T 33190's facts and sharing no code with the writer.

Each object becomes PDF operators, its Boundary a clip, each character an outline of the font file that is in
the package, found by that file's own table of characters; PDFium paints the result. Unknown elements and
attributes are errors, so that nothing is passed over.
"""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree as ET

import pikepdf
import pypdfium2
from fontTools.misc.transform import Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from PIL import Image

SPACE = "{http://www.ofdspec.org/2016}"
POINTS_PER_MM = 72 / 25.4
_KNOWN = {
    "PathObject": {
        "ID", "Boundary", "CTM", "LineWidth", "Cap", "Join", "MiterLimit", "DashPattern", "DashOffset",
        "Stroke", "Fill", "Rule",
    },
    "TextObject": {"ID", "Boundary", "CTM", "Font", "Size", "LineWidth", "MiterLimit", "Stroke", "Fill"},
    "ImageObject": {"ID", "Boundary", "CTM", "ResourceID"},
}  # fmt: skip
_CAPS = {"Butt": 0, "Round": 1, "Square": 2}
_JOINS = {"Miter": 0, "Round": 1, "Bevel": 2}


@dataclass
class Package:
    """The files of an OFD and what its Document.xml says."""

    files: dict[str, bytes]
    document: ET.Element
    folder: str

    @classmethod
    def of(cls, content: bytes) -> "Package":
        """A package in memory."""
        with zipfile.ZipFile(BytesIO(content)) as held:
            files = {name: held.read(name) for name in held.namelist()}
        root = ET.fromstring(files["OFD.xml"]).findtext(f"{SPACE}DocBody/{SPACE}DocRoot")
        assert root is not None
        root = root.lstrip("/")
        return cls(files, ET.fromstring(files[root]), posixpath.dirname(root))

    def at(self, location: str, folder: str | None = None) -> bytes:
        """The file at an ST_Loc."""
        base = self.folder if folder is None else folder
        return self.files[location[1:] if location.startswith("/") else posixpath.join(base, location)]

    def pages(self) -> list[tuple[int, ET.Element]]:
        """ID and content of every page."""
        listed = self.document.findall(f"{SPACE}Pages/{SPACE}Page")
        return [(int(page.attrib["ID"]), ET.fromstring(self.at(page.attrib["BaseLoc"]))) for page in listed]

    def template(self, wanted: str) -> ET.Element:
        """A template page by its ID."""
        (found,) = [
            page
            for page in self.document.findall(f"{SPACE}CommonData/{SPACE}TemplatePage")
            if page.attrib["ID"] == wanted
        ]
        return ET.fromstring(self.at(found.attrib["BaseLoc"]))

    def resources(self, kind: str, file: str) -> dict[str, bytes]:
        """The files of fonts or pictures by their IDs."""
        found = {}
        for name in ("PublicRes", "DocumentRes"):
            for listed in self.document.findall(f"{SPACE}CommonData/{SPACE}{name}"):
                assert listed.text
                resources = ET.fromstring(self.at(listed.text))
                folder = posixpath.join(
                    self.folder, posixpath.dirname(listed.text), resources.attrib["BaseLoc"]
                )
                for element in resources.iter(f"{SPACE}{kind}"):
                    place = element.findtext(f"{SPACE}{file}")
                    assert place
                    found[element.attrib["ID"]] = self.at(place, posixpath.normpath(folder))
        return found


@dataclass(frozen=True)
class Stamp:
    """A picture laid over a page: PNG or JPEG, and its box in millimetres from the top left."""

    picture: bytes
    box: tuple[float, float, float, float]


def rendered(
    content: bytes, index: int, *, dpi: int, stamps: tuple[Stamp, ...] = (), bold: bool = True
) -> Image.Image:
    """A page as a picture in RGB. `bold` False: texts without their strokes, as ofd.js shows them."""
    package = Package.of(content)
    _, page = package.pages()[index]
    box = page.findtext(f"{SPACE}Area/{SPACE}PhysicalBox")
    assert box is not None
    _, _, width, height = numbers(box)
    under = [package.template(entry.attrib["TemplateID"]) for entry in page.findall(f"{SPACE}Template")]
    fonts = {key: TTFont(BytesIO(file)) for key, file in package.resources("Font", "FontFile").items()}
    with pikepdf.new() as pdf:
        paper = pdf.add_blank_page(page_size=(width * POINTS_PER_MM, height * POINTS_PER_MM))
        paper.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary())
        for key, file in package.resources("MultiMedia", "MediaFile").items():
            paper.Resources.XObject[f"/I{key}"] = _picture(pdf, file)
        lines = [f"{POINTS_PER_MM} 0 0 {-POINTS_PER_MM} 0 {height * POINTS_PER_MM} cm"]
        for layer in [element for part in (*under, page) for element in part.iter(f"{SPACE}Layer")]:
            for element in layer:
                lines += _object(element, fonts, bold=bold)
        for number, stamp in enumerate(stamps):
            paper.Resources.XObject[f"/S{number}"] = _picture(pdf, stamp.picture)
            left, top, wide, high = stamp.box
            lines.append(f"q {wide} 0 0 {-high} {left} {top + high} cm /S{number} Do Q")
        paper.Contents = pdf.make_stream("\n".join(lines).encode())
        out = BytesIO()
        pdf.save(out)
    return painted(out.getvalue(), 0, dpi=dpi)


def painted(pdf: bytes, index: int, *, dpi: int) -> Image.Image:
    """A page of a PDF as a picture in RGB, by PDFium."""
    opened = pypdfium2.PdfDocument(pdf)
    try:
        picture: Image.Image = opened[index].render(scale=dpi / 72).to_pil().convert("RGB")
    finally:
        opened.close()
    return picture


def numbers(text: str) -> list[float]:
    """ST_Array."""
    return [float(part) for part in text.split()]


def spread(text: str | None) -> list[float]:
    """A DeltaX: `g n d` stands for n times d."""
    parts, values = (text or "").split(), []
    while parts:
        head = parts.pop(0)
        if head == "g":
            count, value = int(parts.pop(0)), float(parts.pop(0))
            values += [value] * count
        else:
            values.append(float(head))
    return values


def text_runs(page: ET.Element) -> Iterator[tuple[ET.Element, ET.Element, list[ET.Element]]]:
    """TextObject, TextCode and the CGTransforms in front of it, in order."""
    for element in page.iter(f"{SPACE}TextObject"):
        transforms: list[ET.Element] = []
        for child in element:
            if child.tag == f"{SPACE}CGTransform":
                transforms.append(child)
            elif child.tag == f"{SPACE}TextCode":
                yield element, child, transforms
                transforms = []


def _object(element: ET.Element, fonts: dict[str, TTFont], *, bold: bool) -> Iterator[str]:
    kind = element.tag.removeprefix(SPACE)
    assert set(element.attrib) <= _KNOWN[kind], element.attrib
    left, top, width, height = numbers(element.attrib["Boundary"])
    yield f"q {left} {top} {width} {height} re W n 1 0 0 1 {left} {top} cm"
    if "CTM" in element.attrib:
        yield f"{element.attrib['CTM']} cm"
    if kind == "ImageObject":
        yield f"1 0 0 -1 0 1 cm /I{element.attrib['ResourceID']} Do Q"
        return
    fills = element.get("Fill", "true" if kind == "TextObject" else "false") == "true"
    strokes = element.get("Stroke", "false" if kind == "TextObject" else "true") == "true"
    yield _colour(element.find(f"{SPACE}FillColor"), "rg")
    yield _colour(element.find(f"{SPACE}StrokeColor"), "RG")
    yield f"{element.get('LineWidth', '0.353')} w {element.get('MiterLimit', '4.234')} M"
    yield f"{_CAPS[element.get('Cap', 'Butt')]} J {_JOINS[element.get('Join', 'Miter')]} j"
    yield f"[{element.get('DashPattern', '')}] {element.get('DashOffset', '0')} d"
    paint = {(True, False): "f", (False, True): "S", (True, True): "B"}[fills, strokes]
    if kind == "PathObject":
        data = element.findtext(f"{SPACE}AbbreviatedData")
        assert data is not None
        star = "*" if element.get("Rule") == "Even-Odd" and fills else ""
        yield f"{_path(data)} {paint}{star} Q"
        return
    assert element.get("Rule") is None
    yield from _glyphs(element, fonts[element.attrib["Font"]], paint if bold else "f")
    yield "Q"


def _path(data: str) -> str:
    """AbbreviatedData as PDF operators."""
    counts = {"M": (2, "m"), "S": (2, "m"), "L": (2, "l"), "B": (6, "c"), "C": (0, "h")}
    parts, written = data.split(), []
    while parts:
        count, operator = counts[parts.pop(0)]
        written += [*parts[:count], operator]
        del parts[:count]
    return " ".join(written)


def _glyphs(element: ET.Element, font: TTFont, paint: str) -> Iterator[str]:
    """Every character at its place, in the units of the object."""
    size, outlines, table = float(element.attrib["Size"]), font.getGlyphSet(), font.getBestCmap()
    scale = size / font["head"].unitsPerEm
    for held, code, transforms in text_runs(element):
        assert held is element
        text = code.text or ""
        places = [float(code.attrib["X"])]
        for delta in spread(code.get("DeltaX")):
            places.append(places[-1] + delta)
        assert len(places) == len(text)
        named: list[tuple[float, str]] = []
        replaced: set[int] = set()
        for transform in transforms:
            first = int(transform.attrib["CodePosition"])
            glyphs = (transform.findtext(f"{SPACE}Glyphs") or "").split()
            assert transform.get("GlyphCount", "1") == str(len(glyphs)) == "1"
            named.append((places[first], font.getGlyphName(int(glyphs[0]))))
            replaced |= set(range(first, first + int(transform.get("CodeCount", "1"))))
        named += [(places[i], table[ord(letter)]) for i, letter in enumerate(text) if i not in replaced]
        for x, name in named:
            pen = _Operators()
            y = float(code.attrib["Y"])
            outlines[name].draw(TransformPen(pen, Transform(scale, 0, 0, -scale, x, y)))
            if pen.written:
                yield " ".join((*pen.written, paint))


class _Operators(BasePen):  # type: ignore[misc]  # fontTools publishes no types
    """An outline as PDF operators."""

    def __init__(self) -> None:
        super().__init__(None)
        self.written: list[str] = []
        self._moveTo: Callable[[tuple[float, float]], None] = lambda p: self._add("m", p)
        self._lineTo: Callable[[tuple[float, float]], None] = lambda p: self._add("l", p)
        self._closePath: Callable[[], None] = lambda: self._add("h")

    def _curveToOne(  # noqa: N802 - fontTools' name
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._add("c", pt1, pt2, pt3)

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        self.written += [*(f"{x:.5f} {y:.5f}" for x, y in points), operator]


def _colour(element: ET.Element | None, operator: str) -> str:
    value = numbers(element.attrib["Value"]) if element is not None else [0.0, 0.0, 0.0]
    return " ".join(f"{part / 255:.6f}" for part in value) + f" {operator}"


def _picture(pdf: pikepdf.Pdf, file: bytes) -> pikepdf.Object:
    """A picture as an XObject, with its transparency if it has any."""
    with Image.open(BytesIO(file)) as opened:
        flat = opened.convert("RGBA")
    size = {"Width": flat.width, "Height": flat.height, "BitsPerComponent": 8}
    kind = {"Type": pikepdf.Name.XObject, "Subtype": pikepdf.Name.Image}
    opacity, colours = flat.getchannel("A").tobytes(), flat.convert("RGB").tobytes()
    mask = pdf.make_stream(opacity, ColorSpace=pikepdf.Name.DeviceGray, **size, **kind)
    return pdf.make_stream(colours, ColorSpace=pikepdf.Name.DeviceRGB, SMask=mask, **size, **kind)
