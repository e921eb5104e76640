"""The page behind a QR code in a real browser, whose network is cut off once the page has been seen."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect, sync_playwright

from signing import base45, cbor
from signing.cose import read_sign1, sign1
from signing.offline import judge_offline
from signing.statement import in_fragment, write_statement
from signing.trust_list import read_trust_list
from tests.conftest import House
from tests.engines.test_serving import answering, free_port
from tests.flows.test_deposit import deposited
from tests.programs import eventually, running
from tests.requests import example_request
from tests.signing.statements import STATEMENT, statement_key
from vault.model.certificate import CertificateRecord, Status
from vault.model.origin import OriginKind, origin_words
from vault.model.statement import Statement
from vault.stating import shown_statement, stated, verify_url

pytestmark = pytest.mark.engines

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = os.environ.get("CERTVAULT_PICTURES")
WAIT_MS = 20_000.0
KEPT = "caches.open('landing').then(cache => cache.keys()).then(keys => keys.length)"
ASSETS_MIN = 5  # the page, two scripts, the style, the icon
JUDGE = """async (texts) => {
  const list = await statements.fetchList();
  const read = (text) => { try { return decodeURIComponent(text); } catch { return ""; } };
  const judged = texts.map((text) => statements.judge(read(text), list, new Date()));
  return (await Promise.all(judged)).map(({ verdict }) => verdict);
}"""
AGE_LIST = """() => {
  const note = localStorage.getItem("statement-keys");
  const old = note.replace(/"made_at":"[^"]+"/, '"made_at":"2020-01-01T00:00:00Z"');
  localStorage.setItem("statement-keys", old);
}"""


@dataclass(frozen=True)
class Served:
    """A vault that serves on this machine, and one of its certificates."""

    house: House
    origin: str
    certificate: CertificateRecord

    def statement(self) -> Statement:
        """What is true of the certificate now."""
        kind = self.house.catalogue.types[self.certificate.type_code]
        authority = kind.authority(self.certificate.issuing_authority)
        assert authority is not None
        names = {"type_name": kind.name, "authority_name": authority.name}
        return shown_statement(self.certificate, **names, holder_shown=True, at=datetime.now(UTC))

    def address(self, statement: Statement | None = None, *, token: str | None = None) -> str:
        """Where the QR leads, with this statement signed by the vault's key."""
        workshop = replace(self.house.wired.workshop, public_url=self.origin)
        url = verify_url(self.origin, token or self.certificate.token)
        return stated(workshop, url, statement or self.statement(), at=datetime.now(UTC))


@pytest.fixture(scope="module")
def served(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    settings = {**house.settings.environment(), "CERTVAULT_PUBLIC_URL": origin}
    log = tmp_path_factory.mktemp("page") / "serve.log"
    with running("serve", "--port", str(port), "--processes", "1", settings=settings, output=log):
        eventually(answering(port), "the server")
        yield Served(house, origin, certificate)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM: the page's script is not tried")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="zh-CN", viewport={"width": 430, "height": 900})
    made.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield made
    made.close()


def opened(context: BrowserContext, served: Served) -> Page:
    """The page, seen once with a network: list and page are kept from then on."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(served.address())
    expect(page.locator("#stated")).to_be_visible()
    eventually(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), "the worker")
    eventually(lambda: page.evaluate(KEPT) >= ASSETS_MIN, "the page in the cache")
    assert problems == []
    return page


def taken(page: Page, name: str) -> None:
    """A picture for whoever wants to look: set CERTVAULT_PICTURES to a folder."""
    if PICTURES is not None:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def verdict(page: Page) -> str | None:
    expect(page.locator("#stated")).to_be_visible()
    return page.locator("#stated [data-verdict]:visible").get_attribute("data-verdict")


def test_with_a_network_the_vaults_answer_comes_first(served: Served, context: BrowserContext) -> None:
    page = opened(context, served)
    expect(page.locator("#report h1")).to_have_text("真实，目前有效")
    assert verdict(page) == "genuine"
    expect(page.locator("[data-slot=details]")).to_be_hidden()
    taken(page, "connected")


def test_without_a_network_the_page_opens_and_says_as_of_when(
    served: Served, context: BrowserContext
) -> None:
    opened(context, served).close()
    context.set_offline(True)
    page = context.new_page()
    page.goto(served.address())
    assert verdict(page) == "genuine"
    expect(page.locator("[data-offline]")).to_be_visible()
    expect(page.locator("#report")).to_be_empty()
    kind = served.house.catalogue.types[served.certificate.type_code]
    expect(page.locator("[data-slot=type]")).to_have_text(kind.name)
    expect(page.locator("[data-slot=identifier]")).to_have_text(served.certificate.identifier)
    expect(page.locator("[data-slot=as-of]")).to_contain_text("状态截至")
    expect(page.locator("[data-slot=as-of]")).to_contain_text("0 分钟前）：有效")
    expect(page.locator("[data-slot=old-list]")).to_be_hidden()
    taken(page, "offline-genuine")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": Status.SUSPENDED}, "已被暂扣。"),
        ({"valid_from": date(2020, 1, 1), "valid_to": date(2020, 1, 2)}, "有效期已过。"),
        ({"valid_from": date(2999, 1, 1), "valid_to": None}, "有效期还没有开始。"),
    ],
)
def test_what_is_not_in_force_is_told_without_a_network(
    served: Served, context: BrowserContext, change: dict[str, object], reason: str
) -> None:
    page = opened(context, served)
    context.set_offline(True)
    page.goto(served.address(replace(served.statement(), **change)))  # type: ignore[arg-type]  # its own fields
    expect(page.locator("[data-verdict=not_in_force]")).to_be_visible()
    expect(page.locator("[data-slot=reason]")).to_have_text(reason)
    taken(page, f"offline-{reason}")


@pytest.mark.parametrize("kind", OriginKind)
def test_where_its_file_comes_from_is_told_without_a_network(
    served: Served, context: BrowserContext, kind: OriginKind
) -> None:
    page = opened(context, served)
    context.set_offline(True)
    page.goto(served.address(replace(served.statement(), origin=kind)))
    assert verdict(page) == "genuine"
    expect(page.locator("[data-slot=origin]")).to_have_text(origin_words(kind)[0])
    taken(page, f"offline-{kind}")


def test_a_changed_statement_and_a_strangers_are_refused_without_a_network(
    served: Served, context: BrowserContext
) -> None:
    page = opened(context, served)
    context.set_offline(True)
    signed = served.address(served.statement())
    text = in_fragment(write_statement(STATEMENT, statement_key()))
    strangers = f"{served.origin}/v#t=x&s={text}"
    for address, wanted in (
        (signed[:-3] + "000", "not_genuine"),
        (signed.partition("&s=")[0] + "&s=", "not_genuine"),
        (strangers, "not_proven"),
        (signed.partition("&s=")[0] + "&s=%", "not_genuine"),
    ):
        page.goto(address)
        expect(page.locator(f"[data-verdict={wanted}]")).to_be_visible()
        assert verdict(page) == wanted, address
    taken(page, "offline-not-genuine")


def test_every_byte_counts_in_the_browser_too(served: Served, context: BrowserContext) -> None:
    """The script's reader and ours agree: what one refuses the other does."""
    page = opened(context, served)
    context.set_offline(True)
    text = served.address(served.statement()).partition("&s=")[2]
    changed = [text[:n] + ("0" if text[n] != "0" else "1") + text[n + 1 :] for n in range(0, len(text), 7)]
    found = page.evaluate(JUDGE, [text, *changed])
    assert found[0] == "genuine"
    assert set(found[1:]) <= {"not_genuine", "not_proven"}


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        ("delete globalThis.DecompressionStream", False),
        ("globalThis.DecompressionStream = class { constructor() { throw new TypeError(); } }", False),
        ("delete Crypto.prototype.subtle", True),
        ("SubtleCrypto.prototype.importKey = () => Promise.reject(new TypeError())", False),
    ],
)
def test_a_browser_that_cannot_check_proves_nothing_and_accuses_nobody(
    served: Served, context: BrowserContext, missing: str, *, shown: bool
) -> None:
    context.add_init_script(missing)
    page = opened(context, served)
    context.set_offline(True)
    page.goto(served.address() + "&again")
    expect(page.locator("[data-offline]")).to_be_visible()
    assert verdict(page) == "not_proven"
    assert page.locator("[data-slot=details]").is_visible() is shown


BAD_CERTIFICATES: tuple[dict[int, object], ...] = (
    {1: b""},
    {1: b"\x00" + b"\x01" * 40},
    {2: 5},
    {2: "证\x1b[2J"},
    {3: "局\n"},
    {4: "张\u202e某"},
    {5: -1},
    {5: 10_001},
    {5: "many"},
    {6: 10**9},
    {6: -(10**6)},
    {7: 2**60},
    {8: 2_932_897},
    {8: "never"},
    {10: b"short"},
    {10: bytes(13)},
    {10: "twelve bytes"},
    {9: bytes(12)},  # and 10
    {11: 7},
    {11: -1},
    {11: "length"},  # JavaScript's arrays have one
    {12: 0},
    {12: 4},
    {12: -1},
    {12: "length"},
    {12: b"\x01"},
    {13: 1},
    {0: 1},
)
GOOD_CERTIFICATES: tuple[dict[int, object], ...] = (
    {},
    {5: 0},
    {5: 10_000},
    {6: -719_162},
    {8: 2_932_896},
    {4: ""},
    {4: "محمد\u200cمراد"},
    {11: 5},
    {7: 2_932_896},
    {12: 1},
    {12: 3},
)
BAD_TIMES = (2**52, 2**63, -(2**52), "now", b"", 2**33)


def test_what_we_refuse_of_claims_the_browser_refuses_too(served: Served, context: BrowserContext) -> None:
    """Well signed, so that nothing but the claims themselves can be what is wrong with them."""
    workshop = served.house.wired.workshop
    now = datetime.now(UTC)
    key = workshop.statements.signing(now)
    assert key is not None
    text = unquote(served.address().partition("&s=")[2])
    claims = cbor.decode(read_sign1(zlib.decompress(base45.decode(text), -15)).payload)
    assert isinstance(claims, dict)
    certificate = claims[-65537]
    own = {**certificate, 1: _with_another_check(certificate[1])}
    bad = [{**claims, -65537: {**certificate, **change}} for change in BAD_CERTIFICATES]
    bad += [{**claims, -65537: own}, {**claims, 7: 1}, {6: claims[6]}, {**claims, -65537: {}}]
    bad += [{**claims, 6: at} for at in BAD_TIMES]
    good = [{**claims, -65537: {**certificate, **change}} for change in GOOD_CERTIFICATES]
    texts = [_packed(sign1(key, cbor.encode(each))) for each in (*good, *bad)]
    page = context.new_page()
    page.goto(f"{served.origin}/v")
    here = page.request.get(f"{served.origin}/v1/statement-keys").body()
    ours = [judge_offline(each, read_trust_list(here), at=now).verdict.value for each in texts]
    assert page.evaluate(JUDGE, [in_fragment(each) for each in texts]) == ours
    assert set(ours[: len(good)]) == {"genuine", "not_in_force"}
    assert set(ours[len(good) :]) == {"not_genuine"}


def _packed(signed: bytes) -> str:
    deflate = zlib.compressobj(9, wbits=-15)
    return base45.encode(deflate.compress(signed) + deflate.flush())


def _with_another_check(identifier: bytes) -> bytes:
    """The identifier with another check character: its last in base 36."""
    number = int.from_bytes(identifier, "big")
    return (number - 1 if number % 36 else number + 1).to_bytes(len(identifier), "big")


def test_an_old_list_is_said_to_be_old(served: Served, context: BrowserContext) -> None:
    page = opened(context, served)
    context.set_offline(True)
    context.route("**/v1/statement-keys", lambda route: route.abort())  # the browser's own cache is over, too
    page.evaluate(AGE_LIST)
    page.goto(served.address(served.statement()) + "&again")
    expect(page.locator("[data-slot=old-list]")).to_be_visible()
    expect(page.locator("[data-slot=old-list]")).to_contain_text("天前")
    taken(page, "offline-old-list")


def test_a_browser_without_a_list_proves_nothing(served: Served, context: BrowserContext) -> None:
    page = opened(context, served)
    context.set_offline(True)
    context.route("**/v1/statement-keys", lambda route: route.abort())
    page.evaluate("() => localStorage.clear()")
    page.goto(served.address(served.statement()) + "&again")
    expect(page.locator("[data-verdict=not_proven]")).to_be_visible()
    expect(page.locator("[data-slot=no-list]")).to_be_visible()


def test_nothing_of_the_statement_leaves_the_device(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    sent: list[str] = []
    bodies: list[str] = []
    page.on("request", lambda request: sent.append(request.url.partition("#")[0]))
    page.on("request", lambda request: bodies.append(request.post_data or ""))
    address = served.address()
    page.goto(address)
    expect(page.locator("#stated")).to_be_visible()
    expect(page.locator("#report h1")).to_be_visible()
    statement = unquote(address.partition("&s=")[2])
    pieces = [statement[place : place + 20] for place in range(0, len(statement) - 20, 20)]
    told = unquote("\n".join((*sent, *bodies)).replace("+", " "))
    assert not [piece for piece in pieces if piece.replace("+", " ") in told]
    assert [parse_qs(body) for body in bodies if body] == [{"t": [served.certificate.token]}]


def test_an_answer_that_comes_late_is_not_shown_beside_another_code(
    served: Served, context: BrowserContext
) -> None:
    """Two codes, one after the other, in the same window: the first one's answer comes last."""
    page = opened(context, served)
    held: list[Route] = []
    context.route("**/v", lambda route: held.append(route) if _asks(route, "another") else route.continue_())
    strangers = in_fragment(write_statement(STATEMENT, statement_key()))
    page.evaluate("hash => { location.hash = hash; }", f"t=another&s={strangers}")
    eventually(lambda: page.evaluate("true") and held, "the first request")
    page.evaluate("hash => { location.hash = hash; }", served.address().partition("#")[2])
    expect(page.locator("#report h1")).to_have_text("真实，目前有效")
    assert verdict(page) == "genuine"
    with suppress(Error):  # it may know that nobody waits for it
        held[0].fulfill(status=200, body="<h1>late</h1>")
    page.evaluate("() => fetch('/livez')")
    expect(page.locator("#report h1")).to_have_text("真实，目前有效")
    assert verdict(page) == "genuine"


def test_a_vault_that_does_not_answer_is_not_waited_for(served: Served, context: BrowserContext) -> None:
    page = opened(context, served)
    held: list[Route] = []
    hold = partial(_held, held)  # no method of a list: playwright sets attributes
    context.route("**/v1/statement-keys", hold)
    context.route("**/v", lambda route: hold(route) if _asks(route, "") else route.continue_())
    page.clock.install()
    page.evaluate("hash => { location.hash = hash; }", f"{served.address().partition('#')[2]}&again")
    expect(page.locator("[data-waiting]")).to_be_visible()
    eventually(lambda: page.evaluate("true") and len(held) == len(("vault", "list")), "both requests")
    page.clock.fast_forward(15_000)
    expect(page.locator("[data-offline]")).to_be_visible()
    assert verdict(page) == "genuine"


def _held(held: list[Route], route: Route) -> None:
    held.append(route)


def _asks(route: Route, token: str) -> bool:
    return route.request.method == "POST" and f"t={token}" in (route.request.post_data or "")


def test_a_code_without_a_statement_still_asks_the_vault(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(verify_url(served.origin, served.certificate.token))
    expect(page.locator("#report h1")).to_have_text("真实，目前有效")
    expect(page.locator("#stated")).to_be_hidden()
