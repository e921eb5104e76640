"""The clerk's desk in a browser: from sign-in to use, by keyboard alone, and without script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.desk_scene import Counter, counter_of, fill_in, fresh_name
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look
from tests.browser.served import Served

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def counter(served: Served) -> Counter:
    return counter_of(served)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_desk_can_be_seen_and_heard(signed_in_as: Visit, counter: Counter, look: Look) -> None:
    visitor = signed_in_as(counter.clerk, look)
    page = fill_in(visitor, counter)
    if look.window == DESKTOP:
        page.keyboard.press("p")
        pictured(page)
    else:
        page.locator("#line-construction summary").click()
        drawn(page, "#line-construction img")
    visitor.inspect("desk")


def pictured(page: Page) -> None:
    """The page of the line that is worked on is beside the list."""
    drawn(page, "[data-pane] img")


def drawn(page: Page, image: str) -> None:
    expect(page.locator(image)).to_have_js_property("complete", value=True)
    assert page.locator(image).evaluate("image => image.naturalWidth") > 0


def test_slips_are_seen_and_heard_at_their_fields(signed_in_as: Visit, counter: Counter) -> None:
    visitor = signed_in_as(counter.clerk, Look("zh", PHONE))
    page = visitor.open("/desk")
    page.locator(".desk-head .press button").click()
    page.locator("#item").fill("许可")
    page.locator("#applicant").fill("91990100MA9700026X")
    page.get_by_role("button", name="核对材料").click()
    expect(page.locator("#slips")).to_be_focused()
    expect(page.locator("#slips li")).to_have_count(3)
    [refused] = visitor.complaints
    assert "422" in refused, "the browser says that the form was not taken, and nothing else"
    visitor.complaints.clear()
    visitor.inspect("desk-slips")
    page.get_by_role("link", name="这个统一社会信用代码有误").click()
    expect(page.locator("#applicant")).to_be_focused()
    expect(page.locator("#applicant")).to_have_value("91990100MA9700026X")


def test_a_whole_case_by_keyboard_alone(signed_in_as: Visit, counter: Counter) -> None:
    """As with a reader, which types and ends with Enter: number, item, holder, use, code, done, the next."""
    visitor = signed_in_as(counter.clerk, Look("zh", DESKTOP))
    looks: list[str] = []
    visitor.page.on(
        "request", lambda asked: looks.extend([asked.url] if "/desk/pictures/" in asked.url else [])
    )
    page = visitor.open("/desk")
    press, typed = page.keyboard.press, page.keyboard.type
    page.locator("body").press("w")
    expect(page.locator("#number")).to_be_focused()
    first, second = fresh_name(), fresh_name()
    press("Escape")
    press("l")
    expect(page.locator("#numbers")).to_be_focused()
    typed(f"{first}\n{second}")
    press("Tab")
    press("Enter")
    page.wait_for_url("**/desk")
    expect(page.locator("#number")).to_have_value(first)
    if not page.locator("#item").input_value():  # else that of the case before
        expect(page.locator("#item")).to_be_focused()
        typed("商品房预售许可")
        press("Enter")
    expect(page.locator("#applicant")).to_be_focused()
    typed(counter.company["code"])
    press("Enter")
    expect(page.locator("h2#case-title")).to_contain_text(first)
    expect(page.locator(".desk-line-chosen")).to_have_attribute("id", "line-licence")
    press("p")
    pictured(page)
    press("3")
    expect(page.locator("#line-construction")).to_be_focused()
    pictured(page)
    press("u")
    expect(page.locator("#line-construction .desk-used")).to_contain_text("已用证")
    expect(page.locator("#line-construction")).to_be_focused()
    press("c")
    expect(page.locator(".desk-code code")).to_have_text(re.compile(r"^[\w-]{22}$"))
    expect(page.locator("#line-construction")).to_be_focused()
    press("?")
    expect(page.locator("dialog[data-keys]")).to_be_visible()
    visitor.inspect("desk-keys")
    press("Escape")
    assert len(looks) == 2, "the holder is told of the clerk's looks, and of none of the page's own"
    press("d")
    expect(page.locator("#number")).to_have_value(second)
    expect(page.locator(".desk-case-done")).to_contain_text(first)
    expect(page.locator("#applicant")).to_be_focused()
    press("Escape")
    press("s")
    expect(page.locator(".desk-case-skipped").last).to_contain_text(second)


def test_keys_can_be_switched_off_and_never_work_in_a_field(signed_in_as: Visit, counter: Counter) -> None:
    visitor = signed_in_as(counter.clerk, Look("en", DESKTOP))
    page = fill_in(visitor, counter)
    page.keyboard.press("e")
    expect(page.locator("#number")).to_be_focused()
    page.keyboard.press("d")
    expect(page.locator("#number")).to_have_value("d")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use single keys").uncheck()
    page.get_by_role("button", name="Close").click()
    page.locator("#line-licence").focus()
    page.keyboard.press("d")
    page.keyboard.press("?")
    expect(page.locator("dialog[data-keys]")).to_be_hidden()
    expect(page.locator("h2#case-title")).to_contain_text(counter.number)
    page.reload()
    page.keyboard.press("3")
    expect(page.locator("#line-construction")).not_to_have_class(re.compile("desk-line-chosen"))


def test_a_key_that_is_held_does_one_thing(signed_in_as: Visit, counter: Counter) -> None:
    """Also where the page is still there while its form is on its way."""
    visitor = signed_in_as(counter.clerk, Look("zh", DESKTOP))
    page = fill_in(visitor, counter)
    sent = "[...document.forms].filter((form) => form.dataset.sent).length"
    page.keyboard.press("e")
    page.keyboard.down("d")
    page.keyboard.press("Escape")
    page.keyboard.down("d")
    assert page.evaluate(sent) == 0, "the key was down before it could mean this"
    page.keyboard.up("d")
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")
    page.locator("#line-licence").focus()
    for key in "dsu?":
        page.keyboard.press(key)
    assert page.evaluate(sent) == 1
    expect(page.locator("dialog[data-keys]")).to_be_hidden()


def test_the_desk_without_script(signed_in_as: Visit, counter: Counter) -> None:
    """The page of what is held is a link: browsers without script fetch every picture at once."""
    visitor = signed_in_as(counter.clerk, Look("zh", DESKTOP), script=False)
    asked: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url))
    page = visitor.open("/desk")
    page.locator(".desk-head .press button").click()
    number = fresh_name()
    page.locator("#number").fill(number)
    page.locator("#item").fill("商品房预售许可")
    page.locator("#applicant").fill(counter.company["code"])
    page.get_by_role("button", name="核对材料").click()
    line = page.locator("#line-construction")
    expect(line).to_contain_text("可用")
    assert not any("/desk/pictures/" in url for url in asked)
    with visitor.context.expect_page() as opened:
        line.get_by_role("link", name="第一页的版面").click()
    assert "/desk/pictures/" in opened.value.url
    assert opened.value.evaluate("document.contentType") == "image/webp"
    line.get_by_role("button", name="用证并生成加注件").click()
    expect(page.locator("#line-construction")).to_contain_text("已用证")
    page.get_by_role("button", name="与原件核对无误").click()
    expect(page.locator("#line-escrow")).to_contain_text("可用")
    visitor.picture("desk-no-script")
    assert not any(number in url or counter.company["code"] in url for url in asked)
