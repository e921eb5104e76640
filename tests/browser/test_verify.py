"""Verifying a file or a number, and what the answer says."""

import pytest
from playwright.sync_api import expect

from tests.browser.certificates import Deposited, altered, shown, unknown_code
from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look
from tests.browser.served import Served
from tests.browser.verifying import GENUINE, TWO, choose, pdf, verdict

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_genuine_file(visit: Visit, certificate: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    visitor.inspect("verify")
    choose(page, pdf(certificate.pdf))
    verdict(page, GENUINE[look.language])
    expect(page.locator(".certificate-title")).to_be_visible()
    expect(page.locator(".host")).to_have_text(visitor.origin.removeprefix("http://"))
    visitor.inspect("verify-genuine")


@pytest.mark.parametrize("look", TWO, ids=str)
def test_an_altered_file(visit: Visit, certificate: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    choose(page, pdf(altered(certificate.pdf)))
    verdict(page, "内容被改动过" if look.language == "zh" else "Altered")
    visitor.inspect("verify-altered")


@pytest.mark.parametrize("look", TWO, ids=str)
def test_an_expired_file(visit: Visit, expired: Deposited, look: Look) -> None:
    visitor = visit(look)
    page = visitor.open("/")
    choose(page, pdf(expired.pdf))
    verdict(page, "真实，但目前无效" if look.language == "zh" else "Genuine, but not in force")
    expect(page.locator(".certificate .pill")).to_have_text("已过期" if look.language == "zh" else "Expired")
    status = page.locator(".certificate dd").filter(
        has_text="有效期已过" if look.language == "zh" else "run out"
    )
    expect(status).to_be_visible()
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
        reached.append(
            page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()")
        )
    wanted = [
        "跳到正文",
        "file",
        "number",
        "code",
        "查验号码",
        "打开相机扫码",
        "scanned",
        "查验",
        "开发者接口",
    ]
    assert [name for name in reached if name in wanted] == wanted


def test_what_is_unknown_is_said_calmly(visit: Visit) -> None:
    visitor = visit(Look("zh", PHONE))
    page = visitor.open("/")
    page.locator("#number").fill("样许字〔1900〕1号")
    page.locator("#code").fill("AAAAAAAAAA")
    page.locator("#code").press("Enter")
    verdict(page, "查不到这份证照")
    visitor.inspect("verify-unknown")


def test_all_but_camera_and_offline_checking_works_without_script(
    visit: Visit, served: Served, certificate: Deposited
) -> None:
    visitor = visit(Look("zh", PHONE), script=False)
    page = visitor.open("/")
    expect(page.locator("[data-camera-opens]")).to_be_hidden()
    visitor.picture("verify-no-script")
    choose(page, pdf(certificate.pdf))
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
    expect(page.locator(".no-script")).to_contain_text("没有运行脚本")
    visitor.picture("landing-no-script")
    assert not visitor.strays
