"""Trying a template out: the page comes as a picture, or what is wrong with it and where; nothing is kept."""

import json
import re

import httpx
import pytest

from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_console_over_http import SignIn, sign_in, text_of
from tests.edge.test_limits_over_http import Limited, limited
from tests.requests import kind_named
from vault.model.actors import Role

__all__ = ["limited", "sign_in"]

pytestmark = pytest.mark.engines

WATER = "取水许可证"


@pytest.fixture
def path(house: House) -> str:
    return f"/console/catalogue/{kind_named(house.catalogue, WATER).code}"


def fields_of(page: httpx.Response) -> dict[str, str]:
    """What stands in the form's areas, as a browser would send it."""
    found = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    unescaped = {"&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'", "&amp;": "&"}
    texts = dict(found)
    for written, meant in unescaped.items():
        texts = {name: text.replace(written, meant) for name, text in texts.items()}
    return texts


def tried(caller: Caller, path: str, who: dict[str, str], fields: dict[str, str]) -> httpx.Response:
    multipart = {name: (None, text.replace("\n", "\r\n")) for name, text in fields.items()}
    return caller("POST", path, headers=who, files=multipart)


def test_the_page_as_it_is_and_as_it_was_changed(caller: Caller, sign_in: SignIn, path: str) -> None:
    operator = sign_in(Role.OPERATOR)
    fields = fields_of(caller("GET", path, headers=operator))
    assert set(fields) == {"source", "layout", "example"}
    as_it_is = tried(caller, path, operator, fields)
    assert "img-src 'self' data:" in as_it_is.headers["content-security-policy"]
    [first] = re.findall(r'src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)"', as_it_is.text)
    example = json.loads(fields["example"])
    example["number"] = "D990102S2026-0999"
    changed = tried(caller, path, operator, {**fields, "example": json.dumps(example)})
    [second] = re.findall(r'src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)"', changed.text)
    assert first[0] != second[0]
    assert first[1:] == second[1:]
    # What was typed stays in the form, and nothing of it is in force.
    assert "D990102S2026-0999" in fields_of(changed)["example"]
    assert "D990102S2026-0999" not in caller("GET", path, headers=operator).text


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ("#let a = unknown", "unknown variable"),
        ('#read("/etc/passwd")', "file not found"),
        ('#read("../page.py")', "would escape the project root"),
        ('#import "@preview/cetz:0.2.0": *', "failed to download package"),
        ('#import "@local/secrets:1.0.0": *', "package not found"),
    ],
)
def test_a_broken_template_says_where(
    caller: Caller, sign_in: SignIn, path: str, added: str, says: str
) -> None:
    operator = sign_in(Role.OPERATOR)
    fields = fields_of(caller("GET", path, headers=operator))
    line = fields["source"].rstrip("\n").count("\n") + 2
    answer = tried(caller, path, operator, {**fields, "source": fields["source"].rstrip("\n") + "\n" + added})
    said = text_of(answer)
    assert f"模板有误：第 {line} 行" in said
    assert says in said
    assert "<img" not in answer.text
    assert "root:" not in said


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("layout", "{", "/layout The text is not JSON: Expecting"),
        ("layout", "1" * 5_000, "/layout The text holds a number that is too long."),
        ("example", '{"a": 1e400}', "/example The text holds a number that is too large."),
        ("example", '{"a": NaN}', "/example The text holds NaN or Infinity"),
        ("example", '{"a": 1, "a": 2}', "/example The text has an object that names the same field twice."),
        (
            "example",
            '{"a": "\\ud800"}',
            "/example The text holds a text with U+0000 or half a surrogate pair.",
        ),
        ("example", '{"a": "\\u0000"}', "/example The text holds a text with U+0000"),
        ("example", "[" * 34 + "]" * 34, "/example The text is nested too deeply"),
        ("layout", '{"Bad Key": 1}', "/layout"),
        ("example", "[]", "/example expected an object"),
        ("example", "[" * 100_000, "/example"),
        ("example", "{}", "/example"),
        ("layout", "x" * 40_001, "/layout Expected at most 40000 characters"),
    ],
)
def test_what_is_no_draft_says_so(
    caller: Caller, sign_in: SignIn, path: str, name: str, text: str, says: str
) -> None:
    operator = sign_in(Role.OPERATOR)
    fields = fields_of(caller("GET", path, headers=operator))
    assert says in text_of(tried(caller, path, operator, {**fields, name: text}))


def test_a_bad_field_of_the_example_is_pointed_at(caller: Caller, sign_in: SignIn, path: str) -> None:
    operator = sign_in(Role.OPERATOR)
    fields = fields_of(caller("GET", path, headers=operator))
    example = json.loads(fields["example"])
    example["fields"]["annual_volume"] = "many"
    said = text_of(tried(caller, path, operator, {**fields, "example": json.dumps(example)}))
    assert "/example/fields/annual_volume" in said


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_nobody_else_tries_templates(caller: Caller, sign_in: SignIn, path: str, role: Role) -> None:
    assert caller("GET", path, headers=sign_in(role)).status_code == 403
    assert tried(caller, path, sign_in(role), {"source": "x"}).status_code == 403


def test_strangers_and_other_sites_are_kept_out(caller: Caller, sign_in: SignIn, path: str) -> None:
    assert tried(caller, path, {}, {"source": "x"}).headers["location"].startswith("/signin")
    elsewhere = {**sign_in(Role.OPERATOR), "sec-fetch-site": "cross-site"}
    assert tried(caller, path, elsewhere, {"source": "x"}).status_code == 403


def test_a_type_that_is_not_there_is_not_found(caller: Caller, sign_in: SignIn) -> None:
    answer = caller("GET", "/console/catalogue/11990000MB98009999999", headers=sign_in(Role.OPERATOR))
    assert answer.status_code == 404


def test_whoever_tries_too_often_waits(limited: Limited, sign_in: SignIn, path: str) -> None:
    caller, operator = limited(), sign_in(Role.OPERATOR)
    answers = [tried(caller, path, operator, {"layout": "{"}).status_code for _ in range(40)]
    assert answers[0] == 200
    assert 429 in answers
    assert tried(caller, path, sign_in(Role.OPERATOR), {"layout": "{"}).status_code == 200
