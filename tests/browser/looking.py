"""How somebody looks at a page, and what every page must be like for them.

`Visitor.inspect` asserts of the page that is open: its policy lets nothing in or out but this origin, nothing
was asked of another, no script complained, axe-core finds nothing, nothing is wider than the window. It keeps
a picture in the folder that CERTVAULT_PICTURES names: look at them.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, StorageState

WAIT_MS = 20_000.0
PHONE = (390, 844)
DESKTOP = (1280, 900)
PICTURES = os.environ.get("CERTVAULT_PICTURES")
POLICY = {
    "default-src": {"'none'"},
    "style-src": {"'self'"},
    "script-src": {"'self'"},
    "img-src": {"'self'"},
    "connect-src": {"'self'"},
    "form-action": {"'self'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
}
"""What the pages live by; only the one that scans has more: 'wasm-unsafe-eval'."""
_SCANS = "/"
_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  const places = (nodes) => nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ");
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${places(nodes)}`);
}"""
_TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const reaches = (each) => each.getBoundingClientRect().right > clientWidth + 1;
  const found = scrollWidth > clientWidth ? [...document.body.querySelectorAll("*")].filter(reaches) : [];
  return found.map((each) => each.outerHTML.slice(0, 120));
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """Language, window (CSS pixels), colours, and whether type is large."""

    language: str = "zh"
    window: tuple[int, int] = PHONE
    scheme: str = "light"
    large: bool = False

    def __str__(self) -> str:
        width = "phone" if self.window == PHONE else "desktop"
        return "-".join((self.language, width, self.scheme, *(("large",) if self.large else ())))


LOOKS = (
    Look("zh", PHONE, "light"),
    Look("zh", DESKTOP, "dark"),
    Look("en", PHONE, "dark"),
    Look("en", DESKTOP, "light"),
    Look("zh", PHONE, "light", large=True),
    Look("en", DESKTOP, "light", large=True),
)
"""Both languages at both widths, light, dark and large: `parametrize("look", LOOKS, ids=str)`."""


@dataclass
class Visitor:
    """Somebody's window on the vault. `complaints`: the console's; `strays`: requests to elsewhere."""

    context: BrowserContext
    page: Page
    origin: str
    look: Look
    complaints: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    policies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def entering(
        cls, browser: Browser, origin: str, look: Look, *, script: bool, state: StorageState | None
    ) -> Self:
        """A new window, with what its browser kept."""
        width, height = look.window
        context = browser.new_context(
            locale="zh-CN" if look.language == "zh" else "en-GB",
            viewport={"width": width, "height": height},
            color_scheme="dark" if look.scheme == "dark" else "light",
            java_script_enabled=script,
            storage_state=state,
            has_touch=look.window == PHONE,
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT_MS)
        context.add_cookies(
            [
                {"name": "lang", "value": look.language, "url": origin},
                {"name": "type", "value": "large" if look.large else "normal", "url": origin},
            ]
        )
        visitor = cls(context, context.new_page(), origin, look)
        context.on("request", visitor._asked)
        context.on("response", visitor._answered)
        context.on("console", lambda said: visitor._said(said.type, said.text))
        context.on("weberror", lambda error: visitor.complaints.append(str(error.error)))
        return visitor

    def open(self, path: str) -> Page:
        """Goes to one of the vault's pages."""
        self.page.goto(self.origin + path)
        return self.page

    def inspect(self, name: str) -> None:
        """Asserts what every page must be like, and keeps a picture under this name. Needs script."""
        assert not self.strays, self.strays
        assert not self.complaints, self.complaints
        self._lives_by_its_policy()
        # By the debugger's protocol, which the page's policy does not bind: it stays as it is for the page.
        self.page.evaluate(AXE_SCRIPT)
        violations = self.page.evaluate(_AXE)
        assert not violations, "\n".join(violations)
        too_wide = self.page.evaluate(_TOO_WIDE)
        assert not too_wide, too_wide
        self.picture(name)

    def picture(self, name: str) -> None:
        """A picture of the whole page, for whoever wants to look."""
        if PICTURES is not None:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}-{self.look}.png", full_page=True)

    def keep(self, name: str, printed: bytes) -> None:
        """What came out of the printer, for whoever wants to look."""
        if PICTURES is not None:
            (Path(PICTURES) / f"{name}-{self.look}.pdf").write_bytes(printed)

    def _lives_by_its_policy(self) -> None:
        said = self.policies.get(self.page.url.partition("#")[0])
        assert said is not None, f"no page was answered at {self.page.url}"
        rules = {words[0]: set(words[1:]) for words in (rule.split() for rule in said.split(";")) if words}
        path = self.page.url.removeprefix(self.origin).partition("?")[0].partition("#")[0]
        wanted = dict(POLICY)
        if path == _SCANS and "'wasm-unsafe-eval'" in rules["script-src"]:
            wanted["script-src"] = {"'self'", "'wasm-unsafe-eval'"}
        assert rules == wanted

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:", "blob:")):
            self.strays.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.policies[response.url] = response.headers.get("content-security-policy", "")

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)
