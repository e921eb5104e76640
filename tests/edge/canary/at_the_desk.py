"""Ways of the clerk's desk: a case from a typed number to a use taken back, and a paper that is archived."""

import re
import secrets

import httpx

from api.local_provider.founding import account
from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.signing_in import signed_in
from tests.edge.canary.story import ESCROW, PRESALE, SESSION, Story, Way
from vault.model.actors import Role

_PLACE = re.compile(r'name="turn" value="done"><input type="hidden" name="place" value="([^"]+)"')
_USE = re.compile(r"/desk/copies/([0-9a-f-]{36})")


def clerk(s: Story) -> None:
    """A clerk of the authority that handles the story's item signs in."""
    login = account(
        s.mark(Kind.STRAY),
        s.marks.adopt(Kind.PASSWORD, secrets.token_urlsafe(12)),
        name=s.mark(Kind.CLERK),
        roles=frozenset({Role.CLERK}),
        code=None,
        organisation=s.vault.house.catalogue.items[PRESALE].authority.code,
    )
    s.vault.provider.keep(login)
    s.clerk = signed_in(s, login)


def _case(s: Story) -> Call:
    """Once the case number is in the vault for a paper, it is in clear there, as every deposit's is."""
    form = {
        "number": s.mark(Kind.CASE_NUMBER),
        "item": PRESALE,
        "applicant": s.company["code"],
        "agent": s.person["code"],
        "purpose": s.mark(Kind.PURPOSE),
    }
    return Call(("POST", "/desk/case"), cookies={SESSION: s.clerk}, data=form)


def _page(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        place, use = _PLACE.search(answer.text), _USE.search(answer.text)
        s.place = place[1] if place else s.place
        s.desk_use = use[1] if use else s.desk_use

    return Call(("GET", "/desk"), cookies={SESSION: s.clerk}, learn=learn)


def _form(path: str, **fields: str) -> Way:
    """A form about the case; `{material}` and `{use}` stand for what the story has."""

    def way(s: Story) -> Call:
        known = {"material": s.material_id, "use": s.desk_use}
        data = {"place": s.place, **{name: value.format(**known) for name, value in fields.items()}}
        return Call(("POST", f"/desk/{path}"), cookies={SESSION: s.clerk}, data=data)

    return way


def _queue(s: Story) -> Call:
    numbers = "\n".join(s.mark(Kind.CASE_NUMBER) for _ in range(2))
    return Call(("POST", "/desk/queue"), cookies={SESSION: s.clerk}, data={"numbers": numbers})


def _picture(s: Story) -> Call:
    at = {"place": s.place, "kind": "material", "subject_id": s.material_id}
    return Call(("GET", "/desk/pictures/{place}/{kind}/{subject_id}"), at=at, cookies={SESSION: s.clerk})


def _copy(s: Story) -> Call:
    return Call(("GET", "/desk/copies/{use_id}"), at={"use_id": s.desk_use}, cookies={SESSION: s.clerk})


def _paper(s: Story) -> Call:
    form = {
        "place": s.place,
        "kind": ESCROW,
        "holder": "0",
        "holder_name": s.company["name"],
        "note": s.mark(Kind.FACE),
        "compared": "yes",
    }
    file = (f"{s.mark(Kind.FILE_NAME)}.pdf", s.pdf(), "application/pdf")
    return Call(("POST", "/desk/paper"), cookies={SESSION: s.clerk}, data=form, files={"file": file})


AT_THE_DESK: tuple[Way, ...] = (
    _case,
    _page,
    _picture,
    _form("verification", material="{material}", line="line-escrow"),
    _form("use", kind="material", subject="{material}", copy="yes", line="line-escrow"),
    _page,
    _copy,
    _paper,
    _form("revocation", use="{use}", line="line-escrow"),
    _queue,
    _form("turn", turn="next"),
)
"""From a case to its end; after the story's material was handed in."""
