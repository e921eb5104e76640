"""The camera, a photograph, a hand scanner and the clipboard."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.certificates import Deposited, film, photo
from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, PHONE, Look
from tests.browser.verifying import GENUINE, TWO, choose, picture, verdict
from tests.programs import eventually

pytestmark = pytest.mark.engines

PASTE = """([text, name, kind, base64]) => {
  const data = new DataTransfer();
  if (text) data.setData("text/plain", text);
  if (base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: kind }));
  }
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(paste);
}"""


@pytest.mark.parametrize("look", TWO, ids=str)
def test_the_camera_reads_a_certificate(
    visit: Visit, certificate: Deposited, camera: Path, look: Look
) -> None:
    film(certificate.address, camera)
    visitor = visit(look)
    visitor.context.grant_permissions(["camera"])
    page = visitor.open("/")
    page.locator("[data-camera-opens]").click()
    verdict(page, GENUINE[look.language])
    visitor.inspect("landing")
    assert page.evaluate("location.href") == f"{visitor.origin}/v"


def test_the_decoder_is_fetched_when_it_is_wanted_and_the_camera_is_let_go(
    visit: Visit, camera: Path
) -> None:
    film("https://elsewhere.example/v#t=x", camera)
    visitor = visit(Look("zh", PHONE))
    visitor.context.grant_permissions(["camera"])
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))
    page = visitor.open("/")
    assert not [url for url in fetched if "vendor" in url]
    page.locator("[data-camera-opens]").click()
    expect(page.locator("[data-camera-says]")).to_contain_text("elsewhere.example")
    assert len([url for url in fetched if "vendor" in url]) == 2
    visitor.inspect("verify-camera")
    track = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()[0]")
    page.keyboard.press("Escape")
    expect(page.locator("[data-camera]")).to_be_hidden()
    eventually(lambda: track.evaluate("track => track.readyState") == "ended", "the camera's end")
    expect(page.locator("[data-camera-opens]")).to_be_focused()


def test_a_browser_that_gives_no_camera_is_told_what_else_there_is(visit: Visit) -> None:
    page = visit(Look("zh", PHONE)).open("/")
    page.locator("[data-camera-opens]").click()
    expect(page.locator("[data-camera-says]")).to_contain_text("没有使用相机的权限")


STUBBED = """() => {
  window.asked = [];
  navigator.mediaDevices.getUserMedia = () => new Promise((give) => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d");
    const stream = canvas.captureStream();
    window.asked.push({ stream, give: () => give(stream) });
  });
}"""


def test_a_camera_that_comes_too_late_is_let_go(visit: Visit) -> None:
    """Closed while the browser still asks for permission, and opened again."""
    visitor = visit(Look("zh", PHONE))
    visitor.page.add_init_script(f"({STUBBED})()")
    page = visitor.open("/")
    for n in (1, 2):
        page.locator("[data-camera-opens]").click()
        page.wait_for_function("n => window.asked.length === n", arg=n)
        if n == 1:
            page.keyboard.press("Escape")
            expect(page.locator("[data-camera]")).to_be_hidden()
    page.evaluate("() => { for (const each of window.asked) each.give(); }")
    seen = "document.querySelector('video').srcObject === window.asked[1].stream"
    eventually(lambda: page.evaluate(seen), "the second opening's picture")
    states = "window.asked.map(({ stream }) => stream.getTracks()[0].readyState)"
    assert page.evaluate(states) == ["ended", "live"]


def test_without_the_decoder_no_camera_is_switched_on(visit: Visit) -> None:
    visitor = visit(Look("zh", PHONE))
    visitor.page.add_init_script(f"({STUBBED})()")
    visitor.page.route("**/vendor/**", lambda route: route.abort())
    page = visitor.open("/")
    page.locator("[data-camera-opens]").click()
    expect(page.locator("[data-camera-says]")).to_contain_text("没有加载成功")
    assert page.evaluate("window.asked.length") == 0


def test_a_photographed_code(visit: Visit, certificate: Deposited) -> None:
    page = visit(Look("zh", PHONE)).open("/")
    choose(page, picture(b"\x89PNG no picture"))
    expect(page.locator("#said")).to_contain_text("照片里没有认出二维码")
    choose(page, picture(photo(certificate.address)))
    verdict(page, GENUINE["zh"])


def test_a_hand_scanner_needs_no_click(visit: Visit, certificate: Deposited) -> None:
    """It types what it reads, as fast as it can, and Enter."""
    page = visit(Look("zh", DESKTOP)).open("/")
    page.keyboard.type("https://elsewhere.example/v#t=x")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("elsewhere.example")
    expect(page.locator("#scanned")).to_be_focused()
    page.keyboard.type(certificate.address)
    page.keyboard.press("Enter")
    verdict(page, GENUINE["zh"])


def test_pasting_an_address_a_statement_a_picture_or_a_file(visit: Visit, certificate: Deposited) -> None:
    page = visit(Look("zh", DESKTOP)).open("/")
    page.evaluate(PASTE, ["Lorem ipsum", None, None, None])
    expect(page.locator("#said")).to_contain_text("不是本库证照上的二维码")
    page.evaluate(PASTE, [certificate.address, None, None, None])
    verdict(page, GENUINE["zh"])
    page.goto(page.url.removesuffix("v"))
    statement = page.evaluate("text => decodeURIComponent(text)", certificate.address.partition("&s=")[2])
    page.evaluate(PASTE, [statement, None, None, None])
    expect(page.locator("#stated [data-verdict=genuine]")).to_be_visible()
    for name, kind, content in (
        ("photo.png", "image/png", photo(certificate.address)),
        ("licence.pdf", "application/pdf", certificate.pdf),
    ):
        page.goto(page.url.removesuffix("v"))
        page.evaluate(PASTE, [None, name, kind, base64.b64encode(content).decode()])
        verdict(page, GENUINE["zh"])
