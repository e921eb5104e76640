"""Verifying a certificate in every way that the page offers, and what the answer says."""

import base64
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.certificates import Deposited, altered, deposit, film, photo, shown, unknown_code
from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look
from tests.browser.served import Served

pytestmark = pytest.mark.engines

# In each language and at each width once.
TWO = (Look("zh", PHONE, "dark"), Look("en", DESKTOP, "light"))
GENUINE = {"zh": "真实，目前有效", "en": "Genuine and in force"}
FORGETS_AFTER_MS = 10 * 60_000
FIRST_VIEW_MAX_BYTES = 150_000
SHIFT_MAX = 0.01
WATCH_SHIFTS = """() => {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""
SHIFTS = "() => new Promise((tell) => requestAnimationFrame(() => setTimeout(() => tell(window.shifts))))"
PASTE = """([text, name, kind, base64]) => {
  const data = new DataTransfer();
  if (text) data.setData("text/plain", text);
  if (base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: kind }));
  }
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="package")
def certificate(served: Served) -> Deposited:
    return deposit(served)


@pytest.fixture(scope="package")
def expired(served: Served) -> Deposited:
    return deposit(served, expired=True)


def pdf(content: bytes) -> FilePayload:
    return {"name": "licence.pdf", "mimeType": "application/pdf", "buffer": content}


def drop(page: Page, file: FilePayload) -> None:
    page.locator("input[type=file]").set_input_files(file)


def verdict(page: Page, text: str) -> None:
    expect(page.locator("h1:visible")).to_have_text(text)


# --- what the answer says, to everybody -----------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_genuine_file(visit: Visit, certificate: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    visitor.inspect("verify")
    drop(page, pdf(certificate.pdf))
    verdict(page, GENUINE[look.language])
    expect(page.locator(".certificate-title")).to_be_visible()
    expect(page.locator(".host")).to_have_text(visitor.origin.removeprefix("http://"))
    visitor.inspect("verify-genuine")


@pytest.mark.parametrize("look", TWO, ids=str)
def test_an_altered_file(visit: Visit, certificate: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    drop(page, pdf(altered(certificate.pdf)))
    verdict(page, "内容被改动过" if look.language == "zh" else "Altered")
    visitor.inspect("verify-altered")


@pytest.mark.parametrize("look", TWO, ids=str)
def test_an_expired_file(visit: Visit, expired: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    drop(page, pdf(expired.pdf))
    verdict(page, "真实，但目前无效" if look.language == "zh" else "Genuine, but not in force")
    expect(page.locator(".certificate .pill")).to_have_text("已过期" if look.language == "zh" else "Expired")
    visitor.inspect("verify-expired")


@pytest.mark.parametrize("look", TWO, ids=str)
def test_number_and_code_by_keyboard_alone(visit: Visit, certificate: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    page.locator("#number").focus()
    page.keyboard.type(certificate.record.number)
    page.keyboard.press("Tab")
    page.keyboard.type(certificate.record.verification_code)
    page.keyboard.press("Enter")
    verdict(page, GENUINE[look.language])
    visitor.inspect("verify-number")


def test_everything_is_reached_by_the_tab_key(visit: Visit) -> None:
    page = visit(Look("zh", DESKTOP)).open("/")
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    wanted = ["跳到正文", "file", "number", "code", "查验号码", "打开相机扫码", "scanned", "查验", "开发者接口"]
    assert [name for name in reached if name in wanted] == wanted


def test_what_is_unknown_is_said_calmly(visit: Visit) -> None:
    visitor = visit(Look("zh", PHONE))
    page = visitor.open("/")
    page.locator("#number").fill("样许字〔1900〕1号")
    page.locator("#code").fill("AAAAAAAAAA")
    page.locator("#code").press("Enter")
    verdict(page, "查不到这份证照")
    visitor.inspect("verify-unknown")


# --- scanning -------------------------------------------------------------------------------------------


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
    assert track.evaluate("track => track.readyState") == "ended"
    expect(page.locator("[data-camera-opens]")).to_be_focused()


def test_a_browser_that_gives_no_camera_is_told_what_else_there_is(visit: Visit) -> None:
    page = visit(Look("zh", PHONE)).open("/")
    page.locator("[data-camera-opens]").click()
    expect(page.locator("[data-camera-says]")).to_contain_text("没有使用相机的权限")


def test_a_photographed_code(visit: Visit, certificate: Deposited) -> None:
    page = visit(Look("zh", PHONE)).open("/")
    name = {"name": "photo.png", "mimeType": "image/png", "buffer": b"\x89PNG no picture"}
    drop(page, name)  # type: ignore[arg-type]  # a payload
    expect(page.locator("#said")).to_contain_text("照片里没有认出二维码")
    drop(page, {"name": "photo.png", "mimeType": "image/png", "buffer": photo(certificate.address)})
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


# --- the page behind the code ---------------------------------------------------------------------------


def test_a_code_that_a_phone_shows_is_accepted_once(visit: Visit, served: Served, camera: Path) -> None:
    address = shown(served)
    film(address, camera)
    visitor = visit(Look("zh", PHONE))
    visitor.context.grant_permissions(["camera"])
    page = visitor.open("/")
    page.locator("[data-camera-opens]").click()
    verdict(page, GENUINE["zh"])
    expect(page.locator(".certificate")).to_contain_text("孔样教")
    expect(page.locator(".notice-good")).to_contain_text("本人")
    visitor.inspect("landing-shown")
    again = visit(Look("en", DESKTOP))
    again.open(address.removeprefix(served.origin))
    verdict(again.page, "This code shows nothing")
    again.inspect("landing-spent")
    assert "孔样教" not in again.page.content()


def test_the_page_forgets_itself(visit: Visit, certificate: Deposited) -> None:
    visitor = visit(Look("zh", PHONE))
    page = visitor.page
    page.clock.install()
    visitor.open(certificate.address.removeprefix(visitor.origin))
    verdict(page, GENUINE["zh"])
    token = certificate.record.token
    assert token not in page.evaluate("location.href + JSON.stringify(history.state)")
    assert token in page.locator(".language").evaluate("link => link.href")
    page.clock.fast_forward(FORGETS_AFTER_MS - 1000)
    verdict(page, GENUINE["zh"])
    page.clock.fast_forward(2000)
    verdict(page, "查验结果已清除")
    assert token not in page.content()
    assert certificate.record.identifier not in page.content()
    visitor.inspect("landing-forgotten")
    page.get_by_role("link", name="重新查验").click()
    verdict(page, "这份证照是真的吗？")


def test_a_result_that_was_posted_is_forgotten_too(visit: Visit, certificate: Deposited) -> None:
    visitor = visit(Look("en", DESKTOP))
    page = visitor.page
    page.clock.install()
    visitor.open("/")
    drop(page, pdf(certificate.pdf))
    verdict(page, GENUINE["en"])
    page.clock.fast_forward(FORGETS_AFTER_MS + 1000)
    verdict(page, "The result was cleared")
    assert certificate.record.identifier not in page.content()


# --- the record, and what it costs ----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_printed_record(visit: Visit, certificate: Deposited, language: str) -> None:
    visitor = visit(Look(language, DESKTOP, "dark"))
    page = visitor.open("/")
    drop(page, pdf(certificate.pdf))
    verdict(page, GENUINE[language])
    page.evaluate("window.print = () => { window.printed = true; }")
    page.locator("#checked-by").fill("样例市政务服务中心 3 号窗口")
    page.locator("[data-print]").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    record = page.locator(".record")
    expect(record).to_be_visible()
    for said in ("3 号窗口", GENUINE[language], certificate.record.documents[0].sha256):
        expect(record).to_contain_text(said)
    for unseen in (".masthead", ".tools", "[data-print]", ".compare", "footer"):
        expect(page.locator(unseen).first).to_be_hidden()
    printed = page.pdf(format="A4", print_background=True)
    with pikepdf.open(BytesIO(printed)) as record_:
        assert len(record_.pages) == 1
    visitor.keep("record", printed)


@pytest.mark.parametrize("path", ["/", "/v"])
def test_the_first_view_is_light_and_stands_still(
    visit: Visit, certificate: Deposited, path: str
) -> None:
    visitor = visit(Look("zh", PHONE))
    page = visitor.page
    page.add_init_script(f"({WATCH_SHIFTS})()")
    network = visitor.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    address = certificate.address.removeprefix(visitor.origin) if path == "/v" else path
    visitor.open(address)
    if path == "/v":
        verdict(page, GENUINE["zh"])
        expect(page.locator("#stated")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < FIRST_VIEW_MAX_BYTES
    assert page.evaluate(SHIFTS) < SHIFT_MAX
    visitor.inspect(f"first-view{'-landing' if path == '/v' else ''}")


def test_no_result_moves_what_is_seen(visit: Visit, certificate: Deposited, expired: Deposited) -> None:
    for look in (Look("zh", PHONE), Look("en", DESKTOP)):
        for each in (certificate, expired):
            visitor = visit(look)
            page = visitor.page
            page.add_init_script(f"({WATCH_SHIFTS})()")
            visitor.open("/")
            drop(page, pdf(each.pdf))
            expect(page.locator(".verdict")).to_be_visible()
            page.wait_for_load_state("networkidle")
            assert page.evaluate(SHIFTS) < SHIFT_MAX


# --- without script -------------------------------------------------------------------------------------


def test_all_but_camera_and_offline_checking_works_without_script(
    visit: Visit, served: Served, certificate: Deposited
) -> None:
    visitor = visit(Look("zh", PHONE), script=False)
    page = visitor.open("/")
    expect(page.locator("[data-camera-opens]")).to_be_hidden()
    visitor.picture("verify-no-script")
    drop(page, pdf(certificate.pdf))
    page.get_by_role("button", name="查验文件").click()
    verdict(page, GENUINE["zh"])
    visitor.picture("verify-genuine-no-script")
    once = shown(served)
    for scanned, says in (
        (certificate.address, GENUINE["zh"]),
        (once, GENUINE["zh"]),
        (once, "这个码看不到证照"),
        (f"{served.origin}/v#p={unknown_code()}", "这个码看不到证照"),
    ):
        page = visitor.open("/")
        page.locator("#scanned").fill(scanned)
        page.locator("#scanned").press("Enter")
        verdict(page, says)
    for scanned, says in (
        ("https://elsewhere.example/v#t=x", "别的网站"),
        ("Lorem ipsum", "不是本库证照上的二维码"),
    ):
        page = visitor.open("/")
        page.locator("#scanned").fill(scanned)
        page.locator("#scanned").press("Enter")
        expect(page.locator("#said")).to_contain_text(says)
    page = visitor.open("/v")
    expect(page.locator("noscript")).to_contain_text("没有运行脚本")
    assert not visitor.strays
