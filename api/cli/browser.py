"""What a browser and the person before it do at an identity provider: follow, fill in, follow."""

from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

Send = Callable[[str, str, Mapping[str, str] | None], httpx.Response]
"""One request: method, absolute address, form fields. Keeps cookies, follows nothing."""

# Away to the provider, its page, back with a code, and home.
REDIRECTS_MAX = 5


class _Page(HTMLParser):
    """The links of a page, and its first form: address and fields that are filled in already."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what matters."""
        found = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "input" and "name" in found:
            self.fields[found["name"]] = found.get("value", "")


def sign_in(send: Send, base_url: str, login: str, password: str) -> httpx.Response:
    """Signs in by the first provider that the vault offers; the last answer, which is the way home (303).

    Whatever comes instead of a redirect or a form is returned as it is.
    """
    chosen = next(
        (link for link in read(send("GET", f"{base_url}/signin", None)).links if "/signin/" in link), ""
    )
    page, address = follow(send, f"{base_url}{chosen}")
    form = read(page)
    if form.action is None:
        return page
    address = urljoin(address, form.action)
    answer = send("POST", address, {**form.fields, "login": login, "password": password})
    if answer.status_code != httpx.codes.SEE_OTHER:
        return answer
    return send("GET", urljoin(address, answer.headers["location"]), None)


def follow(send: Send, address: str) -> tuple[httpx.Response, str]:
    """The first answer that is no redirect, and where it was found."""
    answer = send("GET", address, None)
    for _ in range(REDIRECTS_MAX):
        if "location" not in answer.headers:
            break
        address = urljoin(address, answer.headers["location"])
        answer = send("GET", address, None)
    return answer, address


def read(page: httpx.Response) -> _Page:
    """The page's links and form."""
    found = _Page()
    found.feed(page.text)
    return found
