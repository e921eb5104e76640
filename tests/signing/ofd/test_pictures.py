"""Both formats of a certificate show one page: rendered each from its own file, and compared."""

import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import sync_playwright

from signing.ses import read_ses
from tests.signing.ofd.documents import BothFormats, both_formats, repacked
from tests.signing.ofd.drawing import SPACE, Package, Stamp, numbers, painted, rendered
from tests.signing.ofd.opinions import opinions
from tests.signing.ofd.sealing import sealed
from tests.signing.typeset.pages import ONE_OF_EACH, QR_TEXT, codes_in
from vault.model.catalogue import CertificateType

DPI = 120
# PDFium paints a glyph of a font a little lighter or darker than the same outline as a path; a blur of this
# many pixels evens that out, and leaves what stands elsewhere, or nowhere, to be seen.
BLUR_PX = 2.0
DIFFERENCE_MAX = 48  # of 255, at any point, after the blur: the PDF's QR is a stencil, the OFD's a path
DIFFERENCE_MEAN_MAX = 1.5
# Chromium is another painter: edges differ more. PDFium draws no line thinner than a pixel, so ours is drawn
# fine and made smaller.
FINE_DPI = 480
OTHER_PAINTER_MAX = 90
OTHER_PAINTER_MEAN_MAX = 4.0
_OFD_JS_VARIABLE = "CERTVAULT_OFD_JS"
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _difference(first: Image.Image, second: Image.Image) -> tuple[int, float]:
    """The greatest and the mean difference of two pictures, of any of their colours."""
    assert first.size == second.size
    blurred = [picture.filter(ImageFilter.GaussianBlur(BLUR_PX)) for picture in (first, second)]
    red, green, blue = ImageChops.difference(*blurred).split()
    counts = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    return max(i for i, n in enumerate(counts) if n), sum(i * n for i, n in enumerate(counts)) / sum(counts)


def _pages(made: BothFormats, index: int) -> tuple[Image.Image, Image.Image]:
    return painted(made.pdf, index, dpi=DPI), rendered(made.ofd, index, dpi=DPI)


@pytest.mark.parametrize("name", [kind.name for kind in ONE_OF_EACH.values()] + ["护士执业证书"])
def test_both_formats_show_one_page(name: str) -> None:
    made = both_formats(name)
    for index in range(made.typeset.page_count):
        greatest, mean = _difference(*_pages(made, index))
        assert greatest <= DIFFERENCE_MAX
        assert mean <= DIFFERENCE_MEAN_MAX


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<ofd:TextCode X="', b'<ofd:TextCode X="1'),  # text elsewhere
        (b' DeltaX="g 3 1', b' DeltaX="g 3 2'),  # wider spaced
        ("样例水务".encode(), "样例水集".encode()),  # another character
        (b'<ofd:FillColor Value="0 0 0"/>', b'<ofd:FillColor Value="200 0 0"/>'),  # another colour
    ],
)
def test_the_comparison_sees_what_is_not_the_same(old: bytes, new: bytes) -> None:
    def change(files: dict[str, bytes]) -> None:
        page = files["Doc_0/Pages/Page_0/Content.xml"]
        assert old in page
        files["Doc_0/Pages/Page_0/Content.xml"] = page.replace(old, new)

    made = both_formats("营业执照")
    changed = rendered(repacked(made.ofd, change), 0, dpi=DPI)
    assert _difference(painted(made.pdf, 0, dpi=DPI), changed)[0] > DIFFERENCE_MAX


def test_the_comparison_sees_ornaments_that_are_missing() -> None:
    def change(files: dict[str, bytes]) -> None:
        template = files["Doc_0/Tpls/Tpl_0/Content.xml"]
        files["Doc_0/Tpls/Tpl_0/Content.xml"] = template.replace(b'LineWidth="0.', b'LineWidth="0.00')

    made = both_formats("营业执照")
    changed = rendered(repacked(made.ofd, change), 0, dpi=DPI)
    assert _difference(painted(made.pdf, 0, dpi=DPI), changed)[0] > DIFFERENCE_MAX


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: kind.template)
def test_the_qr_of_the_ofd_reads_back(kind: CertificateType) -> None:
    made = both_formats(kind.name)
    assert codes_in(rendered(made.ofd, made.typeset.qr_place.page - 1, dpi=150)) == [QR_TEXT]


def test_a_sealed_page_shows_the_seal_where_its_signature_says() -> None:
    document = sealed(both_formats("营业执照").ofd)
    first = opinions(document)[0]
    picture = read_ses(first.value).read_seal.picture
    left, top, width, height = numbers(first.stamp["Boundary"])
    assert (width, height) == (picture.width_mm, picture.height_mm)
    bare = rendered(document, 0, dpi=DPI)
    shown = rendered(document, 0, dpi=DPI, stamps=(Stamp(picture.content, (left, top, width, height)),))
    box = ImageChops.difference(bare, shown).getbbox()
    assert box is not None
    for edge, expected in zip(box, (left, top, left + width, top + height), strict=True):
        assert edge / DPI * 25.4 == pytest.approx(expected, abs=0.6)


@pytest.fixture(scope="module")
def ofd_js() -> Path:
    """lib/ofd.umd.min.js of the npm package ofd.js (Apache-2.0): `npm pack ofd.js@0.2.6`."""
    where = os.environ.get(_OFD_JS_VARIABLE)
    if not where or _CHROMIUM is None:
        pytest.skip(
            f"no picture by ofd.js: set {_OFD_JS_VARIABLE} to its ofd.umd.min.js, and install chromium"
        )
    return Path(where)


@pytest.fixture(scope="module")
def by_ofd_js(ofd_js: Path) -> Callable[[bytes, int], tuple[Image.Image, list[str]]]:
    """A sealed document's first page as ofd.js shows it, so many pixels wide, and what it logged."""

    def show(document: bytes, width_px: int) -> tuple[Image.Image, list[str]]:
        faces = "".join(
            f"@font-face{{font-family:{name};src:url(data:font/otf;base64,{b64encode(file).decode()})}}"
            for name, file in _named_fonts(document).items()
        )
        # It makes the z-index of a seal's picture from the StampAnnot's ID, which is a number with no maker
        # that keeps to xs:ID.
        style = f"{faces} [name=seal_img_div] {{z-index: 1000000 !important}} body {{margin: 0}}"
        logged: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 2 * width_px, "height": 2 * width_px}, offline=True)
            page.on("console", lambda message: logged.append(message.text))
            page.set_content(f"<style>{style}</style><div id=out style='width:{width_px}px'></div>")
            page.add_script_tag(content=ofd_js.read_text(encoding="utf-8"))
            box = page.evaluate(_SHOW, [b64encode(document).decode(), width_px])
            picture = page.screenshot(clip={"x": box[0], "y": box[1], "width": box[2], "height": box[3]})
            browser.close()
        return Image.open(BytesIO(picture)).convert("RGB"), logged

    return show


_SHOW = """async ([encoded, width]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const documents = await new Promise((success, fail) =>
    ofd.parseOfdDocument({ofd: new File([bytes], "a.ofd"), success, fail}));
  const pages = await ofd.renderOfd(width, documents[0]);
  document.getElementById("out").appendChild(pages[0]);
  await Promise.all([...document.fonts].map((face) => face.load()));
  await document.fonts.ready;
  const box = pages[0].getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""


def _named_fonts(document: bytes) -> dict[str, bytes]:
    """The package's font files by the names that ofd.js asks the browser for."""
    package = Package.of(document)
    files = package.resources("Font", "FontFile")
    names = {
        element.attrib["ID"]: element.attrib["FontName"]
        for listed in package.document.iter(f"{SPACE}PublicRes")
        for element in ET.fromstring(package.at(listed.text or "")).iter(f"{SPACE}Font")
    }
    return {names[key]: file for key, file in files.items()}


# None with a photo, whose size it takes for pixels of a 96th of an inch however large the page is shown; none
# with a character past the Basic Multilingual Plane, which it takes for two.
@pytest.mark.parametrize("name", ["营业执照", "建设项目环境影响报告书批复", "建设工程规划许可证"])
def test_ofd_js_opens_a_sealed_certificate_and_shows_the_same_page(
    by_ofd_js: Callable[[bytes, int], tuple[Image.Image, list[str]]], name: str
) -> None:
    made = both_formats(name)
    document = sealed(made.ofd)
    shown, logged = by_ofd_js(document, 1000)
    first = opinions(document)[0]
    left, top, width, height = numbers(first.stamp["Boundary"])
    stamp = Stamp(read_ses(first.value).read_seal.picture.content, (left, top, width, height))
    ours = rendered(document, 0, dpi=FINE_DPI, stamps=(stamp,), bold=False).resize(
        shown.size, Image.Resampling.LANCZOS
    )
    greatest, mean = _difference(shown, ours)
    assert any("verifyRet: true" in line for line in logged)  # it checks the seal's SM2 value itself
    assert greatest <= OTHER_PAINTER_MAX, mean
    assert mean <= OTHER_PAINTER_MEAN_MAX
