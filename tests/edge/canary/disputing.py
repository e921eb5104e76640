"""Ways through a holder's history and disputes, from the holder's side and from that of who decides."""

import httpx

from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.signing_in import by_person
from tests.edge.canary.story import SESSION, Story, Way


def _accesses(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        by_systems = (each for each in answer.json()["accesses"] if each["who"]["kind"] == "system")
        s.access_id = next((each["access_id"] for each in by_systems), s.access_id)

    route = ("GET", "/v1/me/accesses")
    return Call(route, query={"limit": "50"}, cookies={SESSION: s.session}, learn=learn)


def _of_an_access(s: Story) -> Call:
    return _disputed(s, {"access_id": s.access_id, "kind": "unlawful_access"})


def _of_a_certificate(s: Story) -> Call:
    return _disputed(s, {"certificate_id": s.receipts[1]["certificate_id"], "kind": "wrong_data"})


def _disputed(s: Story, about: dict[str, str]) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.dispute_id = answer.json()["dispute_id"]

    body = {**about, "statement": s.mark(Kind.FACE)}
    return Call(("POST", "/v1/me/disputes"), cookies={SESSION: s.session}, body=body, learn=learn)


def _to_decide(s: Story) -> Call:
    return Call(("GET", "/v1/disputes"), query={"state": "submitted"}, headers=s.client())


def _decide(**decision: str) -> Way:
    def way(s: Story) -> Call:
        body = {**decision, "reason": s.mark(Kind.PURPOSE)}
        route = ("POST", "/v1/disputes/{dispute_id}/decision")
        return Call(route, at={"dispute_id": s.dispute_id}, headers=s.client(), body=body)

    return way


DISPUTING: tuple[Way, ...] = (
    _accesses,
    _of_an_access,
    _of_a_certificate,
    by_person("GET", "/v1/me/disputes"),
    _to_decide,
    _decide(decision="accept"),
    _decide(decision="resolve", outcome="upheld"),
)
"""From the history to a resolved dispute: while somebody is signed in."""
