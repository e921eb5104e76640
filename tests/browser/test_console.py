"""The console in a browser: what is wrong first, figures that stay up to date, a template tried out."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, LOOKS, PHONE, Look
from tests.browser.people import Part
from tests.browser.served import Served
from tests.requests import kind_named
from vault.deposit_tally import DEPOSITED, DepositTally
from vault.runs import FsckNote, RunKind, note_backup

pytestmark = pytest.mark.engines

PANELS = ("cases", "seals", "log", "upkeep", "clients", "catalogue", "avoided", "imports")
WATER = "取水许可证"


@pytest.fixture(scope="module", autouse=True)
def night(served: Served) -> None:
    """A night with deposits, some of them refused, a backup that failed, and a check that runs."""
    workshop, at = served.house.wired.workshop, datetime.now(UTC)
    tally, client = DepositTally(), served.house.client.client_id
    for minute in range(0, 60, 2):
        for _ in range(3 + minute % 7):
            tally.note(client, DEPOSITED, at - timedelta(minutes=minute))
    for hour in range(2, 160, 3):
        tally.note(client, DEPOSITED, at - timedelta(hours=hour))
    for minute in (4, 5, 6, 30):
        tally.note(client, "invalid-input", at - timedelta(minutes=minute))
    tally.note(client, "seal-cap-reached", at - timedelta(minutes=3))
    tally.sighted(client, at)
    tally.hand_over(workshop)
    for part, well in ((RunKind.BACKUP_DATABASE, False), (RunKind.BACKUP_OBJECTS, True)):
        note_backup(workshop, part, well=well, finished_at=at, size_bytes=18_340_000_000, at=at)
    times = iter(datetime.now(UTC) + timedelta(seconds=n) for n in range(0, 1000, 6))
    note = FsckNote(workshop, lambda: next(times))
    note.begin()
    note.say(48_211)


def path_of(served: Served) -> str:
    return f"/console/catalogue/{kind_named(served.house.catalogue, WATER).code}"


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_overview_in_every_look(signed_in_as: Visit, look: Look) -> None:
    visitor = signed_in_as(Part.OPERATOR, look)
    page = visitor.open("/console")
    expect(page.locator(".wrong").first).to_have_class(re.compile("notice-bad"))
    expect(page.locator("code", has_text="certvault worker")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(2)
    visitor.inspect("console")


@pytest.mark.parametrize("look", [Look("zh", PHONE), Look("en", DESKTOP, "dark")], ids=str)
def test_every_panel(signed_in_as: Visit, look: Look) -> None:
    visitor = signed_in_as(Part.OPERATOR, look)
    for panel in PANELS:
        page = visitor.open(f"/console/{panel}")
        expect(page.locator(".tabs [aria-current=page]")).to_have_attribute("href", f"/console/{panel}")
        visitor.inspect(f"console-{panel}")


def test_the_overview_keeps_itself_up_to_date_until_it_is_paused(signed_in_as: Visit, served: Served) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("en", DESKTOP))
    page = visitor.page
    page.clock.install()
    visitor.open("/console/upkeep")
    note = FsckNote(served.house.wired.workshop, lambda: datetime.now(UTC) + timedelta(seconds=30))
    note.begin()
    with page.expect_response("**/console/upkeep"):
        page.clock.run_for(10_500)
    expect(page.get_by_text("0 things looked at")).to_be_visible()
    page.get_by_role("button", name="Pause updates").click()
    expect(page.get_by_text("Updates are paused")).to_be_visible()
    note.end(0, 0)
    page.clock.run_for(30_000)
    expect(page.get_by_text("0 things looked at")).to_be_visible()
    page.reload()
    expect(page.get_by_text("0 things looked at")).to_have_count(0)


def test_a_lost_connection_says_so(signed_in_as: Visit) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("zh", DESKTOP))
    page = visitor.page
    page.clock.install()
    visitor.open("/console")
    visitor.context.route("**/console", lambda route: route.abort())
    page.clock.run_for(10_500)
    expect(page.get_by_text("连接中断")).to_be_visible()
    visitor.context.unroute("**/console")
    with page.expect_response("**/console"):
        page.clock.run_for(10_500)
    expect(page.get_by_text("连接中断")).to_be_hidden()


def test_an_edited_template_is_seen_at_once_and_a_broken_one_says_where(
    signed_in_as: Visit, served: Served
) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("zh", DESKTOP))
    page = visitor.open(path_of(served))
    sheet = page.locator(".sheet")
    expect(sheet).to_be_visible()
    visitor.inspect("console-trial")
    before, source = sheet.get_attribute("src"), page.get_by_label("模板（Typst）")
    source.fill(source.input_value() + "\n#place(top + left, [*改*])\n")
    expect(sheet).not_to_have_attribute("src", before or "")
    source.fill(source.input_value() + "#let broken = nothing\n")
    line = source.input_value().rstrip("\n").count("\n") + 1
    expect(page.get_by_text(f"模板有误：第 {line} 行")).to_be_visible()
    expect(page.locator(".says")).to_contain_text("unknown variable: nothing")
    visitor.inspect("console-trial-broken")
    page.get_by_role("button", name=f"转到第 {line} 行").click()
    chosen = page.evaluate("getSelection().toString()")
    assert chosen == "#let broken = nothing"


def test_a_template_is_tried_on_a_phone_in_english(signed_in_as: Visit, served: Served) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("en", PHONE, "dark"))
    page = visitor.open(path_of(served))
    expect(page.locator(".sheet")).to_be_visible()
    visitor.inspect("console-trial")


def test_everything_works_without_script(signed_in_as: Visit, served: Served) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("zh", DESKTOP), script=False)
    page = visitor.open("/console")
    expect(page.get_by_role("button", name="复制命令")).to_have_count(0)
    page.get_by_role("link", name="刷新").click()
    expect(page.get_by_role("heading", name="需要处理")).to_be_visible()
    page.goto(served.origin + path_of(served))
    page.get_by_role("button", name="预览").click()
    expect(page.locator(".sheet")).to_be_visible()
    source = page.get_by_label("模板（Typst）")
    source.fill(source.input_value() + "#panic(1)\n")
    page.get_by_role("button", name="预览").click()
    expect(page.locator(".notice-bad")).to_contain_text("panicked with: 1")
    assert "#panic(1)" in source.input_value()


def test_the_console_by_keyboard_alone(signed_in_as: Visit) -> None:
    visitor = signed_in_as(Part.OPERATOR, Look("en", DESKTOP))
    page = visitor.open("/console")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    names = []
    for _ in range(14):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.innerText"))
    assert names[:3] == ["Refresh", "Pause updates", "Overview"]
    assert "Copy the command" in names
    page.locator(".tabs a", has_text="Seals").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Seals")


def test_a_custodian_is_led_to_their_seals_and_others_hear_whom_it_is_for(signed_in_as: Visit) -> None:
    custodian = signed_in_as(Part.CUSTODIAN, Look("zh", PHONE))
    page = custodian.open("/console")
    assert page.url.endswith("/console/seals")
    expect(page.locator(".tabs a")).to_have_count(1)
    custodian.inspect("console-seals-custodian")
    auditor = signed_in_as(Part.AUDITOR, Look("en", DESKTOP))
    expect(auditor.open("/console/catalogue").get_by_text("Try a change")).to_have_count(0)
    clerk = signed_in_as(Part.CLERK, Look("en", PHONE))
    expect(clerk.open("/console").get_by_role("heading", level=1)).to_have_text(
        "This is for operators, seal custodians and auditors"
    )
