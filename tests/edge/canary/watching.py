"""Ways of the console: somebody who runs the vault looks at every panel, and tries a template out."""

import secrets

from api.local_provider.founding import account
from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.signing_in import signed_in
from tests.edge.canary.story import OFFICE, SESSION, Story, Way
from vault.model.actors import Role

PANELS = ("cases", "seals", "log", "upkeep", "clients", "avoided", "imports", "catalogue")
TRIAL = "/console/catalogue/{code}"


def operator(s: Story) -> None:
    """Somebody who runs the vault signs in."""
    login = account(
        s.mark(Kind.STRAY),
        s.marks.adopt(Kind.PASSWORD, secrets.token_urlsafe(12)),
        name=s.mark(Kind.NAME),
        roles=frozenset({Role.OPERATOR}),
        code=None,
        organisation=OFFICE,
    )
    s.vault.provider.keep(login)
    s.watches = signed_in(s, login)


def _seen(path: str) -> Way:
    return lambda s: Call(("GET", path), cookies={SESSION: s.watches})


def _draft(s: Story) -> Call:
    """What is typed may be anything; what comes back is for whoever typed it."""
    at = {"code": next(iter(s.vault.house.catalogue.types))}
    data = {"source": f"// {s.mark(Kind.FACE)}", "layout": "{}", "example": s.mark(Kind.NAME)}
    return Call(("POST", TRIAL), at=at, cookies={SESSION: s.watches}, data=data)


def _trial(s: Story) -> Call:
    at = {"code": next(iter(s.vault.house.catalogue.types))}
    return Call(("GET", TRIAL), at=at, cookies={SESSION: s.watches})


WATCHING: tuple[Way, ...] = (
    _seen("/console"),
    *(_seen(f"/console/{panel}") for panel in PANELS),
    _trial,
    _draft,
)
"""Every panel, and a draft."""
