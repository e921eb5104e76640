"""What is around every page, and every component of the pages."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look
from tests.browser.people import Part

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_component_can_be_seen_and_heard(visit: Visit, look: Look) -> None:
    visitor = visit(look)
    visitor.open("/styleguide")
    visitor.inspect("styleguide")


def test_language_and_type_are_switched_on_the_page_where_one_is(visit: Visit) -> None:
    visitor = visit(Look("zh", PHONE))
    page = visitor.open("/signin?to=/my")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("link", name="Large type").click()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "21px"
    assert "to=/my" in page.url
    page.goto(f"{visitor.origin}/")
    assert page.evaluate("document.documentElement.dataset.type") == "large"
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_first_key_leads_past_the_head(visit: Visit) -> None:
    page = visit(Look("en", DESKTOP)).open("/styleguide")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize(
    ("part", "places"),
    [(Part.HOLDER, ["/", "/my"]), (Part.CLERK, ["/", "/desk"]), (Part.OPERATOR, ["/", "/console"])],
)
def test_the_head_leads_where_one_may_go(signed_in_as: Visit, part: Part, places: list[str]) -> None:
    visitor = signed_in_as(part, Look("zh", DESKTOP))
    page = visitor.open("/my")
    found = [link.get_attribute("href") for link in page.locator(".places a").all()]
    assert found == places
    expect(page.locator(".tools").get_by_role("button", name="退出登录")).to_be_visible()
    visitor.inspect(f"my-{part.value}")
