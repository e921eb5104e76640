"""What becomes of a result: shown once, forgotten, printed; what it costs, and that it stands still."""

from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import expect

from tests.browser.certificates import Deposited, film, shown
from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, PHONE, Look
from tests.browser.served import Served
from tests.browser.verifying import GENUINE, choose, pdf, verdict

pytestmark = pytest.mark.engines

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
    expect(again.page.locator("#stated")).to_be_hidden()
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
    page.clock.fast_forward(FORGETS_AFTER_MS // 2)
    verdict(page, GENUINE["zh"])
    page.clock.fast_forward(FORGETS_AFTER_MS // 2 + 1000)
    verdict(page, "查验结果已清除")
    assert token not in page.content()
    assert certificate.record.identifier not in page.content()
    visitor.inspect("landing-forgotten")
    page.get_by_role("link", name="重新查验").click()
    verdict(page, "这份证照是真的吗？")


def test_a_try_that_failed_is_forgotten_too(visit: Visit, certificate: Deposited) -> None:
    """The token waits for another try, and not for the next in the queue."""
    visitor = visit(Look("zh", PHONE))
    page, token = visitor.page, certificate.record.token
    page.clock.install()
    page.route("**/v", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    visitor.open(f"/v#t={token}")
    verdict(page, "查验没有完成")
    assert token in page.locator(".language").evaluate("link => link.href")
    page.clock.fast_forward(FORGETS_AFTER_MS + 1000)
    verdict(page, "查验结果已清除")
    assert token not in page.content()
    expect(page.locator("[data-failed]")).to_be_hidden()


def test_a_result_that_was_posted_is_forgotten_too(visit: Visit, certificate: Deposited) -> None:
    visitor = visit(Look("en", DESKTOP))
    page = visitor.page
    page.clock.install()
    visitor.open("/")
    choose(page, pdf(certificate.pdf))
    verdict(page, GENUINE["en"])
    page.clock.fast_forward(FORGETS_AFTER_MS + 1000)
    verdict(page, "The result was cleared")
    assert certificate.record.identifier not in page.content()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_printed_record(visit: Visit, certificate: Deposited, language: str) -> None:
    visitor = visit(Look(language, DESKTOP, "dark"))
    page = visitor.open("/")
    choose(page, pdf(certificate.pdf))
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
def test_the_first_view_is_light_and_stands_still(visit: Visit, certificate: Deposited, path: str) -> None:
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
            choose(page, pdf(each.pdf))
            expect(page.locator(".verdict")).to_be_visible()
            page.wait_for_load_state("networkidle")
            assert page.evaluate(SHIFTS) < SHIFT_MAX
