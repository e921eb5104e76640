"""Requests that come too often: more results than a grant allows, more questions than a stranger may ask."""

from dataclasses import replace

import httpx

from tests.desks import open_desk
from tests.edge.canary.calls import Call, everywhere
from tests.edge.canary.mishaps import calls, new_client
from tests.edge.canary.story import Story

# Where strangers are counted; what is asked with a session or a client's token is not (docs/limits.md).
LIMITED = {
    ("POST", "/oauth/token"),
    ("POST", "/v1/verifications"),
    ("POST", "/v1/presentations"),
    ("POST", "/"),
    ("POST", "/v"),
    ("POST", "/v/shown"),
    ("GET", "/signin/{key}"),
    ("GET", "/signin/{key}/callback"),
}


def ungranted(story: Story) -> None:
    """A client that nothing is granted to (403), and that has used up what was (429)."""
    story.phase = "no more seals"
    with open_desk(story.vault.house) as desk:
        client = new_client(story, "capped", frozenset({desk.seal.authority}))
        statuses = [_one_more(story, client).status_code]
        desk.granted(cap=1, client_id="capped")
        statuses += [_one_more(story, client).status_code for _ in range(2)]
    assert statuses == [httpx.codes.FORBIDDEN, httpx.codes.CREATED, httpx.codes.TOO_MANY_REQUESTS]


def limited(story: Story) -> None:
    """Every question of a stranger, at a server that has no room for any: as a program and as a browser."""
    story.phase = "too many questions"
    for call in calls(story):
        if call.route in LIMITED:
            for accept in ("application/json", "text/html"):
                headers = {**call.headers, "accept": accept}
                story.browser.send(replace(call, headers=headers), story.phase, origin=story.vault.strict_url)


def _one_more(story: Story, client: dict[str, str | bytes]) -> httpx.Response:
    body = story.deposit()
    del body["results"][1:], body["materials"]
    call = Call(("POST", "/v1/deposits"), headers=client, body=body, learn=story.learn_receipts)
    return story.send(everywhere(call, story.marks))
