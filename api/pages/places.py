"""Where pages are: the ways in the head of each, to what this person may open; and the way back to one."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from vault.model.actors import Person, Role

_OPERATORS = frozenset({Role.OPERATOR, Role.SEAL_CUSTODIAN, Role.AUDITOR})
# Which part of a page is shown; nothing else that is asked is ever repeated.
_PARTS = ("access", "before", "certificate", "under")
# What the vault names them by: a line of the history, or a UUID. No ID number is written so.
_ID = r"(?:[A-Za-z0-9_-]{11}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PART = rf"(?:{'|'.join(_PARTS)})={_ID}"
# Our own pages only: no host can be written so, and nothing that a browser would read as one.
_PAGE = re.compile(rf"(?:/[a-z0-9][a-z0-9-]{{0,63}}){{1,4}}(?:\?{_PART}(?:&{_PART})*)?")
# Addresses that take forms or hand out files and open no page, below the page that sends there.
_NO_PAGES = re.compile(r"(/my/show/[^/]+)/[^/]+|(/desk)/.+|(/v)/shown|/signout")
_USES, _HISTORY = "/my/uses/", "/my/history"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the pages. `path`: its first page; what lies below belongs to it. `text`: its name's key."""

    path: str
    text: str

    def holds(self, path: str) -> bool:
        """Whether a page is of this part."""
        if self.path == "/":
            return path in {"/", "/v"}
        return path == self.path or path.startswith(f"{self.path}/")


VERIFY = Place("/", "site.verify")
MY = Place("/my", "site.my")
DESK = Place("/desk", "desk.title")
CONSOLE = Place("/console", "console.title")


def places_of(person: Person | None) -> tuple[Place, ...]:
    """Where this person may go; whoever is not signed in is shown the doors of citizens and of clerks.

    A way that is not shown is no right withheld: each page asks the rules by itself.
    """
    if person is None:
        return VERIFY, MY, DESK
    open_to = ((MY, {Role.HOLDER}), (DESK, {Role.CLERK}), (CONSOLE, _OPERATORS))
    return VERIFY, *(place for place, roles in open_to if person.roles & roles)


def address_of(request: Request) -> str:
    """Where the page of this request opens again, also when the request was a form.

    With the part of it that was shown, if that is named as the vault names things: what else somebody wrote
    behind an address is not repeated.
    """
    path = request.url.path
    below = _NO_PAGES.fullmatch(path)
    if below is not None:
        return next((page for page in below.groups() if page is not None), "/")
    asked = request.query_params.multi_items()
    kept = [(name, value) for name, value in asked if name in _PARTS and re.fullmatch(_ID, value)]
    if path.startswith(_USES) and not kept:  # its page opens from an entry of the history only
        return _HISTORY
    return path + (f"?{urlencode(kept)}" if kept else "")


def is_own_page(address: str) -> bool:
    """Whether this is the address of a page of ours, as `address_of` gives it."""
    return _PAGE.fullmatch(address) is not None
