"""Ways of somebody who signs in at the provider, and of what they do then."""

import httpx

from api.local_provider.book import Account
from tests.edge.canary.calls import Call, everywhere
from tests.edge.canary.marks import Kind
from tests.edge.canary.story import ATTEMPT, SESSION, Story, Way


def go(s: Story, who: Account | None = None) -> Call:
    """To the provider, and what it answers; the person of the story, if nobody is named."""
    login = who or s.login
    assert login is not None
    return Call(
        ("GET", "/signin/{key}"),
        at={"key": "local"},
        query={"to": "/my"},
        learn=lambda answer: s.go_to_provider(answer, login),
    )


def come_back(s: Story) -> Call:
    """With the provider's code, into the session that was there before."""
    cookies = {ATTEMPT: s.attempt, SESSION: s.session or s.mark(Kind.SECRET)}
    route = ("GET", "/signin/{key}/callback")
    return Call(route, at={"key": "local"}, query=s.back, cookies=cookies, learn=s.learn_session)


def signed_in(s: Story, who: Account) -> str:
    """Somebody else's session, in a browser of their own."""
    own, s.session = s.session, ""
    for way in (lambda s: go(s, who), come_back):
        call = everywhere(way(s), s.marks)
        answer = s.send(call)
        assert answer.status_code < httpx.codes.BAD_REQUEST, f"{call.route}: {answer.text}"
    theirs, s.session = s.session, own
    return theirs


def by_person(method: str, path: str, **query: str) -> Way:
    """What the person of the story does with what is theirs."""

    def way(s: Story) -> Call:
        receipt, use_id = s.receipts[1], s.use["use_id"]
        at = {"certificate_id": receipt["certificate_id"], "use_id": use_id}
        return Call((method, path), at=at, query=query, cookies={SESSION: s.session})

    return way
