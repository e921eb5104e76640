"""One vault that serves, one identity provider and one Chromium for all the pages' tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_server

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect, sync_playwright

from api.local_provider import founding as local_provider
from api.local_provider.book import Account
from tests.browser.certificates import Deposited, deposit
from tests.browser.looking import WAIT_MS, Look, Visitor
from tests.browser.people import Part, account_of
from tests.browser.served import Served
from tests.conftest import House
from tests.engines.test_serving import answering, free_port
from tests.programs import eventually, running
from tests.provider import running_provider

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def served(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The suite's vault behind an address of its own, and a provider that leads back to that address."""
    folder = tmp_path_factory.mktemp("pages")
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with create_server(("127.0.0.1", 0)) as listening:
        issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
        providers = local_provider.set_up(folder, issuer=issuer, origin=origin, accounts=[])
        settings = {
            **house.settings.environment(),
            "CERTVAULT_PUBLIC_URL": origin,
            "CERTVAULT_PROVIDERS": str(providers),
        }
        book = folder / local_provider.BOOK_FILE
        serving = running(
            "serve", "--port", str(port), "--processes", "1", settings=settings, output=folder / "serve.log"
        )
        log = folder / "provider.log"
        with running_provider(settings, listening, issuer, book, log) as provider, serving:
            eventually(answering(port), "the server")
            yield Served(house, origin, provider)


@pytest.fixture(scope="package")
def certificate(served: Served) -> Deposited:
    """A certificate in force."""
    return deposit(served)


@pytest.fixture(scope="package")
def expired(served: Served) -> Deposited:
    """A certificate whose time is over."""
    return deposit(served, expired=True)


@pytest.fixture(scope="package")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film that the browser's camera shows; a test writes it before the page opens the camera."""
    return tmp_path_factory.mktemp("camera") / "film.mjpeg"


# Not for the session: Playwright's event loop runs as long as it is open, and other tests have their own.
@pytest.fixture(scope="package")
def browser(camera: Path) -> Iterator[Browser]:
    """Debian's Chromium, with a camera that shows a film."""
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM: the pages are not tried")
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Visit]:
    """Opens a window for somebody whom nobody knows: `visit(look)`, with `script=False` to run none."""
    opened: list[BrowserContext] = []

    def open_window(look: Look, *, script: bool = True, state: StorageState | None = None) -> Visitor:
        visitor = Visitor.entering(browser, served.origin, look, script=script, state=state)
        opened.append(visitor.context)
        return visitor

    yield open_window
    for context in opened:
        context.close()


@pytest.fixture(scope="package")
def signed_in_once() -> dict[str, StorageState]:
    """What each person's browser keeps once they have signed in."""
    return {}


@pytest.fixture(scope="package")
def people(served: Served) -> Callable[[Part], Account]:
    """The account of whoever has this part; the same one for the whole run."""
    known: dict[Part, Account] = {}

    def known_as(part: Part) -> Account:
        if part not in known:
            known[part] = account_of(part, served)
            served.provider.keep(known[part])
        return known[part]

    return known_as


@pytest.fixture
def signed_in_as(
    visit: Visit, served: Served, people: Callable[[Part], Account], signed_in_once: dict[str, StorageState]
) -> Visit:
    """A window of somebody who came in by the real provider: `signed_in_as(Part.CLERK, look)`.

    Instead of a part an account of the test's own, which `served.provider.keep` admitted. Whoever is signed
    out by a test has to be of its own: the session is shared by the tests of one part.
    """

    def enter(who: Part | Account, look: Look, *, script: bool = True) -> Visitor:
        account = people(who) if isinstance(who, Part) else who
        if account.login not in signed_in_once:
            visitor = visit(look)
            page = visitor.page
            page.goto(f"{served.origin}/signin")
            page.locator("main a.button").click()
            page.locator("input[name=login]").fill(account.login)
            page.locator("input[name=password]").fill(account.password)
            page.locator("input[name=password]").press("Enter")
            page.wait_for_url(f"{served.origin}/**")
            signed_in_once[account.login] = visitor.context.storage_state()
        return visit(look, script=script, state=signed_in_once[account.login])

    return enter
