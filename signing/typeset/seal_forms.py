"""A seal's picture as national seals carry it: a PNG, or vectors as a whole small OFD.

Both are made from the PDF drawing operators that `seal_picture` writes, so that a seal looks the same on PDFs
and on OFDs.
"""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass

import pikepdf
from PIL import Image, ImageOps

from signing.drawing import opened
from signing.typeset.seal_picture import BOX_UNITS, RED

SEAL_MM = 42  # 国发〔1999〕25号: a department's seal
PNG_SIZE_PX = 661  # 42 mm at 400 dpi: thin strokes of the name stay whole on a 600 dpi printer

_NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_UNIX_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip's directory can name
_RED = tuple(round(part * 255) for part in RED)
_Matrix = tuple[float, float, float, float, float, float]


def seal_png(operators: bytes) -> bytes:
    """The picture as a PNG of one red, all else transparent; the same operators give the same bytes."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(BOX_UNITS, BOX_UNITS))
        page.Contents = pdf.make_stream(operators)
        held = io.BytesIO()
        pdf.save(held, deterministic_id=True)
    with opened(held.getvalue(), forms=False) as document:
        bitmap = document[0].render(scale=PNG_SIZE_PX / BOX_UNITS, grayscale=True)
        grey = bitmap.to_pil().convert("L")
    # How dark a point is says how much of the seal's one red covers it: its place in a palette of that red.
    darkest = grey.getextrema()[0]
    covered = ImageOps.invert(grey).point(lambda value: min(255, round(value * 255 / (255 - darkest))))
    picture = Image.frombytes("P", covered.size, covered.tobytes())
    picture.putpalette(_RED * 256)
    out = io.BytesIO()
    picture.save(out, "PNG", transparency=bytes(range(256)), optimize=True, dpi=(400, 400))
    return out.getvalue()


def seal_ofd(operators: bytes, *, size_mm: int = SEAL_MM) -> bytes:
    """The picture as an OFD of one page of `size_mm` by `size_mm`: paths only, nothing behind them."""
    shapes = _shapes(operators, size_mm)
    first_id = 3  # after the page and its layer
    objects = "".join(_path(first_id + n, shape, size_mm) for n, shape in enumerate(shapes))
    box = f"0 0 {size_mm} {size_mm}"
    files = {
        "OFD.xml": f'<ofd:OFD {_NAMESPACE} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{hashlib.sha256(operators).hexdigest()[:32]}</ofd:DocID></ofd:DocInfo>"
        "<ofd:DocRoot>/Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {_NAMESPACE}><ofd:CommonData>"
        f"<ofd:MaxUnitID>{first_id + len(shapes)}</ofd:MaxUnitID>"
        f"<ofd:PageArea><ofd:PhysicalBox>{box}</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData>"
        '<ofd:Pages><ofd:Page ID="1" BaseLoc="/Doc_0/Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>',
        "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {_NAMESPACE}>"
        f"<ofd:Area><ofd:PhysicalBox>{box}</ofd:PhysicalBox></ofd:Area>"
        f'<ofd:Content><ofd:Layer ID="2">{objects}</ofd:Layer></ofd:Content></ofd:Page>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name, text in files.items():
            package.writestr(zipfile.ZipInfo(name, _UNIX_EPOCH_OF_ZIP), _HEAD + text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Shape:
    """Outlines that are painted alike. `line_mm`: width of the stroke, 0 where there is none."""

    path: str
    line_mm: float
    filled: bool


# What `seal_picture` writes in a line: a matrix and a width where they are needed, outlines, how to paint.
_PAINTING = re.compile(
    r"(?:q (?P<matrix>[^a-z]+) cm )?(?:(?P<width>\S+) w )?(?P<outline>.+) (?P<how>[SfB])(?: Q)?"
)
_DRAWING = re.compile(r"([-0-9. ]*?) ?([mlch])(?: |$)")
_OFD_COMMANDS = {"m": "M", "l": "L", "c": "B", "h": "C"}


def _shapes(operators: bytes, size_mm: int) -> list[_Shape]:
    """What the operators paint, in millimetres and downwards, neighbours that are painted alike in one."""
    scale = size_mm / BOX_UNITS
    upright = (scale, 0.0, 0.0, -scale, 0.0, float(size_mm))
    found: list[_Shape] = []
    _colours, *lines = operators.decode("ascii").splitlines()
    for line in lines:
        painting = _PAINTING.fullmatch(line)
        if painting is None:
            raise ValueError("These operators are not those of a seal's picture.")
        matrix = upright if painting["matrix"] is None else _times(_six(painting["matrix"]), upright)
        wide = 0.0
        if painting["width"] is not None:
            wide = float(painting["width"]) * abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]) ** 0.5
        path = " ".join(
            _OFD_COMMANDS[command] + _points(numbers, matrix)
            for numbers, command in _DRAWING.findall(painting["outline"])
        )
        shape = _Shape(path, round(wide, 3), painting["how"] != "S")
        if found and (found[-1].line_mm, found[-1].filled) == (shape.line_mm, shape.filled):
            shape = _Shape(f"{found.pop().path} {path}", shape.line_mm, shape.filled)
        found.append(shape)
    return found


def _six(text: str) -> _Matrix:
    a, b, c, d, e, f = map(float, text.split())
    return a, b, c, d, e, f


def _times(first: _Matrix, then: _Matrix) -> _Matrix:
    """The matrix that does `first`, `then` the other (ISO 32000-1, clause 8.3.4)."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _points(text: str, matrix: _Matrix) -> str:
    a, b, c, d, e, f = matrix
    numbers = [float(number) for number in text.split()]
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return "".join(f" {_n(x * a + y * c + e)} {_n(x * b + y * d + f)}" for x, y in pairs)


def _path(number: int, shape: _Shape, size_mm: int) -> str:
    red = " ".join(map(str, _RED))
    stroke = f' LineWidth="{_n(shape.line_mm)}"' if shape.line_mm else ' Stroke="false"'
    fill = ' Fill="true"' if shape.filled else ""
    return (
        f'<ofd:PathObject ID="{number}" Boundary="0 0 {size_mm} {size_mm}"{stroke}{fill} Join="Round">'
        f'<ofd:StrokeColor Value="{red}"/><ofd:FillColor Value="{red}"/>'
        f"<ofd:AbbreviatedData>{shape.path}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def _n(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
