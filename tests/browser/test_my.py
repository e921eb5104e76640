"""The holder's pages in a browser: certificates, a code that opens once, what is granted, the record."""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from api.local_provider.book import Account
from api.local_provider.founding import account
from api.pages.texts import TEXTS
from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look, Visitor
from tests.browser.served import Served
from tests.flows.granting import PURPOSE, bank, delegated
from tests.flows.test_reuse import ESTATE, given, new_person
from vault.errors import NotFound
from vault.lookup import holdings
from vault.model.actors import ClientGrant, Role
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day

pytestmark = pytest.mark.engines

CHINESE, ENGLISH = Look("zh", PHONE), Look("en", DESKTOP)
BOTH = pytest.mark.parametrize("look", [CHINESE, ENGLISH], ids=str)


@dataclass(frozen=True)
class Mine:
    """Somebody with two certificates, one of them near its end, to whom a third is delegated."""

    account: Account
    estate: CertificateRecord
    nurse: CertificateRecord
    lender: ClientGrant
    other: CertificateRecord


def day(days: int) -> str:
    return (legal_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


def admitted(served: Served, holder: dict[str, str]) -> Account:
    code = HolderCode.parse(holder["code_type"], holder["code"])
    made = account(
        f"my-{secrets.token_hex(4)}",
        secrets.token_urlsafe(9),
        name=holder["name"],
        roles=frozenset({Role.HOLDER}),
        code=code,
        organisation=None,
    )
    served.provider.keep(made)
    return made


@pytest.fixture(scope="module")
def mine(served: Served) -> Mine:
    """Made once; each test leaves it as it found it, or adds to it only."""
    me, other, house = new_person(), new_person(), served.house
    estate = given(house, ESTATE, me, formats=["pdf", "ofd"])
    dates = {"issued_on": day(-300), "valid_from": day(-300), "valid_to": day(20)}
    nurse = given(house, "护士执业证书", me, **dates)
    theirs = given(house, ESTATE, other | {"name": "李委托"})
    delegated(house, other | {"name": "李委托"}, me, ESTATE)
    lender, code = bank(house), HolderCode.parse(me["code_type"], me["code"])
    with suppress(NotFound):
        holdings(
            house.wired.workshop,
            lender,
            code,
            purpose=PURPOSE,
            service_item=None,
            case_number=None,
            at=datetime.now(UTC),
        )
    return Mine(admitted(served, me), estate, nurse, lender, theirs)


@pytest.fixture
def at_home(signed_in_as: Visit, mine: Mine) -> Iterator[Visit]:
    """A window of the holder: `at_home(look)`."""

    def enter(look: Look, *, script: bool = True) -> Visitor:
        visitor: Visitor = signed_in_as(mine.account, look, script=script)
        return visitor

    return enter  # type: ignore[return-value]  # a function of its shape


def say(look: Look, key: str, **values: object) -> str:
    return TEXTS[key][look.language == "en"].format(**values)


def press(page: Page, look: Look, key: str, **values: object) -> None:
    name = say(look, key, **values)
    page.get_by_role("button", name=name, exact=True).or_(
        page.get_by_role("link", name=name, exact=True)
    ).first.click()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_page_can_be_seen_and_heard(at_home: Visit, mine: Mine, look: Look) -> None:
    visitor = at_home(look)
    about = mine.nurse.certificate_id
    for name, path in (
        ("my", "/my"),
        ("my-certificate", f"/my/certificates/{about}"),
        ("my-show-choice", f"/my/certificates/{about}/show"),
        ("my-consents", "/my/consents"),
        ("my-consent-new", "/my/consents/new"),
        ("my-delegations", "/my/delegations"),
        ("my-delegation-new", "/my/delegations/new"),
        ("my-history", "/my/history"),
        ("my-disputes", "/my/disputes"),
        ("my-dispute-new", f"/my/disputes/new?certificate={about}"),
    ):
        page = visitor.open(path)
        expect(page.locator(".tabs a[aria-current]")).to_have_count(1)
        for picture in page.locator(".facsimile img").all():
            picture.scroll_into_view_if_needed()
            page.wait_for_function("(it) => it.complete && it.naturalWidth > 0", arg=picture.element_handle())
        visitor.inspect(name)


@BOTH
def test_both_files_are_downloaded(at_home: Visit, mine: Mine, look: Look) -> None:
    page = at_home(look).open(f"/my/certificates/{mine.estate.certificate_id}")
    for kind, begins in (("PDF", b"%PDF-"), ("OFD", b"PK")):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=re.compile(kind)).click()
        assert waiting.value.path().read_bytes().startswith(begins)


@BOTH
def test_a_code_is_accepted_once_and_refused_the_second_time(
    at_home: Visit, visit: Visit, mine: Mine, look: Look
) -> None:
    visitor = at_home(look)
    page = visitor.open(f"/my/certificates/{mine.estate.certificate_id}/show")
    press(page, look, "show.make")
    expect(page.locator("[data-clock]")).to_have_text(re.compile(r"^[45]:\d\d$"))
    visitor.inspect("my-show")
    address = page.locator("svg[data-address]").get_attribute("data-address")
    assert address is not None
    verifier = visit(look)
    verifier.page.goto(address)
    expect(verifier.page.locator(".verdict-good h1")).to_have_text(say(look, "verdict.genuine"))
    expect(verifier.page.get_by_text(mine.estate.number)).to_be_visible()
    verifier.inspect("my-shown")
    expect(page.get_by_role("heading", name=say(look, "show.seen"))).to_be_visible()
    second = visit(look)
    second.page.goto(address)
    expect(second.page.get_by_role("heading", name=say(look, "shown.spent"))).to_be_visible()
    expect(second.page.get_by_text(mine.estate.number)).to_have_count(0)
    press(page, look, "show.again")
    expect(page.locator("[data-clock]")).to_be_visible()
    assert page.locator("svg[data-address]").get_attribute("data-address") != address
    press(page, look, "show.cancel")
    expect(page.get_by_role("heading", name=say(look, "show.taken_back"))).to_be_visible()
    visitor.inspect("my-show-back")


def test_a_consent_is_given_to_who_asked_and_taken_back_by_keyboard_alone(at_home: Visit, mine: Mine) -> None:
    visitor = at_home(ENGLISH)
    page = visitor.open("/my/consents")
    answer = page.get_by_role("link", name=say(ENGLISH, "consents.answer.label", name=mine.lender.name))
    reach(page, answer)
    page.keyboard.press("Enter")
    expect(page.get_by_label(say(ENGLISH, "consent.form.purpose"))).to_have_value(PURPOSE)
    reach(page, page.locator("button[value=check]"))
    page.keyboard.press("Enter")
    expect(page.locator("#mistakes")).to_be_visible()
    visitor.complaints.clear()  # the browser notes that a form came back as 422
    visitor.inspect("my-consent-wrong")
    reach(page, page.locator("#mistakes a"))
    page.keyboard.press("Enter")
    reach(page, page.locator("input[name=types]").first)
    page.keyboard.press("Space")
    reach(page, page.locator("button[value=check]"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(say(ENGLISH, "consent.check"))
    visitor.inspect("my-consent-check")
    reach(page, page.locator("button[value=grant]"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(say(ENGLISH, "done.granted"))
    reach(
        page, page.get_by_role("link", name=say(ENGLISH, "consent.revoke.label", name=mine.lender.name)).first
    )
    page.keyboard.press("Enter")
    reach(page, page.locator("button.grave"))
    visitor.inspect("my-consent-end")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(say(ENGLISH, "done.revoked"))
    visitor.inspect("my-consents-after")


def reach(page: Page, wanted: Locator) -> None:
    """By the tab key to this element."""
    for _ in range(80):
        if wanted.evaluate("(it) => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the keyboard does not get there")


def test_without_script_everything_works_but_the_countdown(at_home: Visit, mine: Mine) -> None:
    look = Look("zh", PHONE)
    page = at_home(look, script=False).open(f"/my/certificates/{mine.estate.certificate_id}/show")
    press(page, look, "show.make")
    expect(page.get_by_text(re.compile("前有效"))).to_be_visible()
    expect(page.locator("[data-countdown]")).to_be_hidden()
    press(page, look, "show.cancel")
    expect(page.get_by_role("heading", name=say(look, "show.taken_back"))).to_be_visible()
    page.goto(page.url.partition("/my")[0] + "/my/delegations/new")
    page.locator("input[name=code]").fill(new_person()["code"])
    page.locator("input[name=types]").first.check()
    page.locator("input[name=actions]").first.check()
    press(page, look, "consent.form.check")
    press(page, look, "delegation.confirm")
    expect(page.get_by_role("status")).to_contain_text(say(look, "done.delegated"))
    page.locator("section[aria-labelledby=given] a.grave").first.click()
    press(page, look, "delegation.ending.confirm")
    expect(page.get_by_role("status")).to_contain_text(say(look, "done.ended"))


@BOTH
def test_who_is_asked_to_acts_for_somebody(at_home: Visit, mine: Mine, look: Look) -> None:
    visitor = at_home(look)
    page = visitor.open("/my/delegations")
    press(page, look, "delegation.open", name="李委托")
    expect(page.get_by_text(mine.other.number)).to_be_visible()
    visitor.inspect("my-on-behalf")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert waiting.value.path().read_bytes().startswith(b"%PDF-")


@BOTH
def test_the_record_leads_to_a_dispute(at_home: Visit, mine: Mine, look: Look) -> None:
    visitor = at_home(look)
    page = visitor.open("/my/history")
    page.get_by_label(say(look, "history.filter")).select_option(str(mine.estate.certificate_id))
    press(page, look, "history.apply")
    page.locator(".entry:not(.entry-own) .entry-ways a").first.click()
    visitor.inspect("my-dispute-access")
    page.locator("input[name=kind]").first.check()
    page.get_by_label(say(look, "dispute.form.statement")).fill(f"没有办过这件事 {secrets.token_hex(3)}")
    press(page, look, "dispute.form.submit")
    expect(page.get_by_role("status")).to_contain_text(say(look, "done.disputed"))
    visitor.inspect("my-disputes-after")


def test_nothing_moves_when_the_pictures_come(at_home: Visit) -> None:
    page = at_home(CHINESE).open("/my")
    moved = page.evaluate(
        """() => new Promise((done) => {
          let sum = 0;
          const add = (list) => { for (const each of list.getEntries()) sum += each.value; };
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          for (const it of document.images) it.loading = "eager";
          const drawn = [...document.images].map((it) => it.decode());
          Promise.all(drawn).then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(sum))));
        })"""
    )
    assert moved < 0.01
