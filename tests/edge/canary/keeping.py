"""Ways of seals under control: two custodians, each signed in at the provider, and a seal of their authority.

Nothing of the story is sealed with it: what is stopped here stops nothing else.
"""

from datetime import UTC, datetime, timedelta

from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.signing_in import signed_in
from tests.edge.canary.story import SESSION, Story, Way

CAP = 5
WINDOW = timedelta(days=30)


def custodians(s: Story) -> None:
    """Two people who keep the desk's seal sign in."""
    s.makes, s.approves = (signed_in(s, s.custodian()) for _ in range(2))


def _seen(path: str, **query: str) -> Way:
    return lambda s: Call(("GET", path), query=query, cookies={SESSION: s.makes})


def _grant(s: Story) -> Call:
    """Another one at each call, since no two begin at the same moment."""
    desk, now = s.vault.desk, datetime.now(UTC)
    body = {
        "seal_id": desk.seal.seal_id,
        "type": desk.kind.code,
        "type_version": desk.kind.version,
        "client_id": desk.client.client_id,
        "daily_cap": CAP,
        "valid_from": now.isoformat(),
        "valid_to": (now + WINDOW).isoformat(),
    }
    return Call(("POST", "/v1/seal-grants"), cookies={SESSION: s.makes}, body=body, learn=s.learn_grant)


def _approval(s: Story) -> Call:
    route = ("POST", "/v1/seal-grants/{grant_id}/approval")
    return Call(route, at={"grant_id": s.grant_id}, cookies={SESSION: s.approves})


def _end(s: Story) -> Call:
    route = ("POST", "/v1/seal-grants/{grant_id}/end")
    body = {"reason": s.mark(Kind.REASON)}
    return Call(route, at={"grant_id": s.grant_id}, cookies={SESSION: s.approves}, body=body)


def _of_seal(path: str) -> Way:
    def way(s: Story) -> Call:
        at, body = {"seal_id": s.vault.desk.seal.seal_id}, {"reason": s.mark(Kind.REASON)}
        return Call(("POST", path), at=at, cookies={SESSION: s.makes}, body=body)

    return way


def _resume(s: Story) -> Call:
    route = ("POST", "/v1/seals/{seal_id}/resumption/approval")
    return Call(route, at={"seal_id": s.vault.desk.seal.seal_id}, cookies={SESSION: s.approves})


KEEPING: tuple[Way, ...] = (
    _grant,
    _approval,
    _seen("/v1/seals"),
    _seen("/v1/seal-grants", ended="true"),
    _end,
    _of_seal("/v1/seals/{seal_id}/stop"),
    _of_seal("/v1/seals/{seal_id}/resumption"),
    _resume,
)
"""From a grant to its end, and from a stop to its end."""
