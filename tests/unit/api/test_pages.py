"""Pages: both languages, no script or style inline, nothing from elsewhere, and legible without engines."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request

import vault.verify
from api.edge import Mode
from api.pages.my.showing import seconds_left
from api.pages.places import address_of, is_own_page, places_of
from api.pages.rendering import STATIC, Pages
from api.pages.signed_in import to_sign_in
from api.pages.texts import TEXTS
from api.problems import problem_of
from signing.validate import CHECK_NAMES
from tests.custodians import staff
from tests.unit.api.calling import app_without_engines, call
from vault.errors import NotPermitted
from vault.model.actors import Role
from vault.model.certificate import Status
from vault.model.dispute import dispute_note
from vault.model.use import UseEnd
from vault.model.verdict import CheckResult, Indication, VerdictName

UUID = "0198c6a4-5d1e-7a3b-9c2f-1e0d5b7a9f31"
CERTIFICATE: dict[str, Any] = {
    "identifier": "1.2.156.3005.2.x",
    "type_name": "取水许可证",
    "issuing_authority": "11990100MB9900021U",
    "issuing_authority_name": "样例市水务局",
    "number": "样水许〔2026〕1号",
    "holders": [{"code_type": "111", "code": "1101**********002X", "name": "林**<b>"}],
    "issued_on": "2026-10-29",
    "valid_from": "2026-10-29",
    "valid_to": None,
    "status": "valid",
    "status_since": "2026-11-22T20:12:15.804394Z",
    "status_effective_on": None,
    "status_reason": None,
    "successor": None,
}
ASKED: dict[str, Any] = {"how": "file", "sha256": "0" * 64, "host": "vault.example"}
USAGE_COPY: dict[str, Any] = {
    "purpose": "办理商品房预售许可<b>",
    "organisation": "样例市住房和城乡建设局",
    "case_number": "SL-2026-000119",
    "valid_until": "2026-12-22",
}
REASONS = {status.value for status in Status if status is not Status.VALID} | {"expired", "not_yet_valid"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return app_without_engines()


def report(verdict: str, **changes: object) -> dict[str, Any]:
    checks = [{"name": "in_force", "result": r.value, "detail": "A sentence."} for r in CheckResult]
    checks.append({"name": "never_heard_of", "result": "passed", "detail": "A new check."})
    sealed = {"signer": "CN=x", "authority": None, "sealed_at": "2026-11-22T20:13:21.123456Z"}
    seals = [{"indication": i.value, **sealed, "checks": checks} for i in Indication]
    shown = CERTIFICATE if verdict in {"genuine", "not_in_force"} else None
    reason = "expired" if verdict == "not_in_force" else None
    values = {"verdict": verdict, "reason": reason, "checks": checks, "certificate": shown, "seals": seals}
    rest = {"log": None, "dispute": None, "usage_copy": None, "checked_at": "2026-11-22T20:13:21.123456Z"}
    return {**values, **rest, **changes}


def rendered(app: FastAPI, template: str, language: str, *, report: dict[str, Any]) -> str:
    pages = app.state.pages
    assert isinstance(pages, Pages)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "scheme": "http",
        "server": ("vault.example", 80),
        "headers": [],
        "query_string": f"lang={language}".encode(),
    }
    return bytes(pages.render(Request(scope), template, report=report, **ASKED).body).decode()


def reports() -> Iterator[dict[str, Any]]:
    yield from (report(verdict.value) for verdict in VerdictName)
    yield from (report("not_in_force", reason=reason) for reason in sorted(REASONS))
    yield from (report("not_in_force", reason=end.value, usage_copy=USAGE_COPY) for end in UseEnd)
    yield report("genuine", certificate=None, usage_copy=USAGE_COPY)
    yield from (report("not_in_force", certificate={**CERTIFICATE, "status": s.value}) for s in Status)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_report_has_its_words(app: FastAPI, language: str) -> None:
    for one in reports():
        html = rendered(app, "report.html", language, report=one)
        assert "A new check." in html
        assert "2026-11-23 04:13:21" in html  # China's clock


def record_checks() -> Iterator[tuple[str, str]]:
    """Name and result of every check that `vault.verify` makes with both written out."""
    for path in Path(vault.verify.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name("Check"),
                    args=[ast.Constant(str() as name), ast.Attribute(ast.Name("CheckResult"), result), *_],
                ):
                    yield name, CheckResult[result].value


def test_every_check_has_its_chinese_words() -> None:
    """Else a Chinese page shows the programs' name of it and an English sentence."""
    found = set(record_checks())
    assert {"rendition", "seal_time", "presented", "file_unchanged"} <= {name for name, _ in found}
    found |= {(name, result.value) for name in CHECK_NAMES for result in CheckResult}
    wanted = {f"check.{name}" for name, _ in found} | {f"check.{name}.{result}" for name, result in found}
    assert sorted(wanted - TEXTS.keys()) == []


@pytest.mark.parametrize(("language", "says"), [("zh", "存在异议"), ("en", "under dispute")])
@pytest.mark.parametrize("verdict", ["genuine", "not_in_force"])
def test_a_dispute_stands_beside_the_verdict(app: FastAPI, language: str, says: str, verdict: str) -> None:
    disputed = report(verdict, dispute=dispute_note(datetime(2026, 11, 22, 20, tzinfo=UTC)))
    html = rendered(app, "report.html", language, report=disputed)
    assert says in html
    assert "2026-11-23" in html  # China's day
    assert says not in rendered(app, "report.html", language, report=report(verdict))


def test_chinese_comes_first_and_english_is_remembered(app: FastAPI) -> None:
    chinese, english = call(app, "GET", "/"), call(app, "GET", "/?lang=en")
    assert 'lang="zh-CN"' in chinese.text
    assert "Is this certificate genuine?" in english.text
    assert "lang=en" in english.headers["set-cookie"]
    assert "set-cookie" not in chinese.headers


def test_what_strangers_wrote_is_escaped(app: FastAPI) -> None:
    html = rendered(app, "report.html", "zh", report=report("genuine"))
    assert "林**&lt;b&gt;" in html
    html = rendered(app, "report.html", "zh", report=report("genuine", usage_copy=USAGE_COPY))
    assert "办理商品房预售许可&lt;b&gt;" in html


@pytest.mark.parametrize("path", ["/", "/v", "/signin", "/signed-out", "/docs", "/nowhere", "/styleguide"])
def test_a_page_runs_and_loads_only_our_own(app: FastAPI, path: str) -> None:
    answer = call(app, "GET", path, headers={"accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    # The page that scans, and no other.
    script, camera = ("'self' 'wasm-unsafe-eval'", "(self)") if path == "/" else ("'self'", "()")
    assert f"script-src {script};" in policy
    assert f"camera={camera}," in answer.headers["permissions-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text):
        assert address.startswith(("/", "#")), address
        assert not address.startswith("//"), address
    for address in re.findall(r'(?:src|href)="(/(?:static|docs/assets)/[^"]*)"', answer.text):
        assert call(app, "GET", address).status_code == 200, address


def test_scripts_and_styles_name_no_other_host() -> None:
    for file in STATIC.glob("*.*"):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", file.read_text()), file.name


def test_answers_to_programs_say_what_browsers_may_do_with_them(app: FastAPI) -> None:
    headers = call(app, "GET", "/version").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in headers
    over_https = app_without_engines(public_url="https://vault.example")
    assert "strict-transport-security" in call(over_https, "GET", "/version").headers


def test_a_form_from_another_site_is_refused(app: FastAPI) -> None:
    for path in ("/", "/v", "/v/shown", "/signout"):
        answer = call(app, "POST", path, data={"t": "x"}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403, path


def test_a_form_without_anything_in_it_is_asked_for_again(app: FastAPI) -> None:
    answer = call(app, "POST", "/", data={"number": "样许字1号", "code": " "})
    assert answer.status_code == 422
    assert TEXTS["verify.nothing_given"][0] in answer.text
    assert "样许字1号" in answer.text


def test_an_address_that_is_none_of_ours_is_not_repeated(app: FastAPI) -> None:
    page = call(app, "GET", "/11010519491231002X", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "11010519491231002X" not in page.text
    assert 'href="/?lang=en"' in page.text


def test_the_other_language_is_found_at_the_same_page(app: FastAPI) -> None:
    page = call(app, "GET", "/signin?to=/desk&lang=zh&type=large&other=11010519491231002X")
    assert 'href="/signin?to=/desk&amp;lang=en"' in page.text
    assert 'href="/signin?to=/desk&amp;type=normal"' in page.text
    assert "11010519491231002X" not in page.text
    assert "11010519491231002X" not in call(app, "GET", "/?number=11010519491231002X").text


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        (f"/my/show/{UUID}/end", f"/my/show/{UUID}"),
        (f"/my/show/{UUID}/again", f"/my/show/{UUID}"),
        (f"/my/uses/{UUID}/end", "/my/history"),
        (f"/my/uses/{UUID}/end?access=AAAAAAAAAAE&x=1", f"/my/uses/{UUID}/end?access=AAAAAAAAAAE"),
        (f"/my/history?certificate={UUID}&before=AA-_AAAAAAE", None),
        (f"/my/certificates/{UUID}/show?under={UUID}", None),
        ("/my/history?certificate=11010519491231002X", "/my/history"),
        ("/my/consents", None),
        ("/desk/use", "/desk"),
        ("/v/shown", "/v"),
        ("/signout", "/"),
        ("/", None),
    ],
)
def test_a_form_leads_back_to_the_page_that_it_stands_on(asked: str, opens: str | None) -> None:
    path, _, query = asked.partition("?")
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": query.encode()}
    scope["server"] = ("vault.example", 80)
    assert address_of(Request(scope)) == (opens or asked)
    assert path == "/" or is_own_page(opens or asked) or opens == "/"
    led = to_sign_in(Request(scope)).headers["location"]
    assert dict(parse_qsl(led.partition("?")[2]))["to"] == (opens or asked)


def test_every_form_leads_back_to_a_page_that_opens(app: FastAPI) -> None:
    found = iter_route_contexts(app.routes)
    routes = [(m, route.path_format or route.path or "") for route in found for m in route.methods or ()]
    forms = [path for method, path in routes if method == "POST" and not path.startswith(("/v1/", "/oauth/"))]
    assert len(forms) > 15
    for path in forms:
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        assert ("GET", address_of(Request({**scope, "server": ("vault.example", 80)}))) in routes, path


def test_the_page_that_says_what_went_wrong_with_a_form_opens_in_the_other_language(app: FastAPI) -> None:
    foreign = {"accept": "text/html", "sec-fetch-site": "cross-site"}
    page = call(app, "POST", f"/my/show/{UUID}/end", headers=foreign)
    assert page.status_code == 403
    assert f'href="/my/show/{UUID}?lang=en"' in page.text


def test_the_last_second_of_a_code_is_whole() -> None:
    """At 0 its page loads again: told 0 while the code is good, it would do so without end."""
    until = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for left, told in ((0.001, 1), (0.999, 1), (1, 1), (1.5, 2), (300, 300), (0, 0), (-3, 0)):
        assert seconds_left(until, until - timedelta(seconds=left)) == told


@pytest.mark.parametrize(
    ("key", "promise"),
    [
        ("history.lead", "一条也不会少"),  # what by law is told later stands there later
        ("done.revoked", "查不到了"),  # other consents, and the law, may still let them look
        ("consent.end.detail", "再也查不到"),
        ("show.over.detail", "五分钟内"),  # a code may end before: with the delegation
    ],
)
def test_no_page_promises_more_than_is_kept(key: str, promise: str) -> None:
    assert promise not in TEXTS[key][0]


def test_who_shows_a_part_is_told_what_is_always_seen() -> None:
    assert all(each in TEXTS["show.shows_part"][0] for each in ("证照名称", "颁发机构", "有效期", "状态"))


def test_a_form_says_what_was_wrong_and_leads_to_its_page(app: FastAPI) -> None:
    headers = {"sec-fetch-site": "cross-site", "accept": "text/html"}
    page = call(app, "POST", "/desk/turn", data={"turn": "next"}, headers=headers)
    assert page.status_code == 403
    assert "来自别的网站" in page.text
    assert 'href="/desk?lang=en"' in page.text
    request = asking("GET", "/desk/x")
    other = app.state.pages.problem_page(request, problem_of(NotPermitted("Nobody may do this.")))
    assert "来自别的网站" not in other.body.decode()


def asking(method: str, path: str, query: str = "") -> Request:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "server": ("vault.example", 80),
    }
    headers = [(b"accept", b"text/html")]
    return Request({**scope, "headers": headers, "query_string": query.encode()})


def test_large_type_is_remembered(app: FastAPI) -> None:
    chosen = call(app, "GET", "/?type=large")
    assert 'data-type="large"' in chosen.text
    assert "type=large" in chosen.headers["set-cookie"]
    again = call(app, "GET", "/", headers={"cookie": "type=large"})
    assert 'data-type="large"' in again.text
    assert "set-cookie" not in again.headers
    assert 'data-type="normal"' in call(app, "GET", "/?type=huge").text


@pytest.mark.parametrize(
    ("roles", "shown"),
    [
        (set(), {"/"}),
        ({Role.HOLDER}, {"/", "/my"}),
        ({Role.CLERK, Role.HOLDER}, {"/", "/my", "/desk"}),
        ({Role.OPERATOR}, {"/", "/console"}),
        ({Role.SEAL_CUSTODIAN}, {"/", "/console"}),
    ],
)
def test_the_head_shows_where_somebody_may_go(roles: set[Role], shown: set[str]) -> None:
    person = replace(staff(), roles=frozenset(roles))
    assert {place.path for place in places_of(person)} == shown
    assert {place.path for place in places_of(None)} == {"/", "/my", "/desk"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_styleguide_is_there_in_development_only(app: FastAPI, language: str) -> None:
    guide = call(app_without_engines(mode=Mode.DEVELOPMENT), "GET", f"/styleguide?lang={language}")
    assert guide.status_code == 200
    assert TEXTS["guide.title"][0 if language == "zh" else 1] in guide.text
    assert call(app, "GET", "/styleguide").status_code == 404


def test_no_text_is_unused_and_every_one_has_both_languages() -> None:
    pages = STATIC.parent
    files = [*pages.rglob("*.html"), *(file for file in pages.rglob("*.py") if file.parent.name != "texts")]
    said = "".join(file.read_text() for file in files)
    composed = (
        "verdict.",
        "reason.",
        "status.",
        "result.",
        "indication.",
        "check.",
        "problem.",
        "signin.",
        "stated.",
        "site.type.",
        "my.nav.",
        "done.",
        "certificate.pdf",
        "certificate.ofd",
        "show.seen",
        "show.taken_back",
        "show.over",
        "consent.state.",
        "consent.look.",
        "delegation.state.",
        "delegation.act.",
        "delegation.download",
        "delegation.present",
        "dispute.state.",
        "dispute.outcome.",
        "dispute.kind.",
        "console.part.",
        "console.wrong.",
        "console.next.",
        "console.mend.",
        "console.outcome.",
        "console.backup.",
        "console.task.",
        "console.ago.",
        "console.in.",
        "console.span.",
        "console.queue.",
        "console.seal.",
        "console.run.",
        "console.log.",
        "console.imports.",
        "sentence.",
        "origin.",
        "how.",
        "shown.by.",
        "verify.says.",
        "desk.slip.",
        "desk.trouble.",
        "desk.line.",
        "desk.state.",
        "desk.role.",
    )
    for key, (zh, en) in TEXTS.items():
        assert zh, key
        assert en or re.fullmatch(r"check\.\w+\.\w+", key), key  # English pages show the check's own sentence
        assert f'"{key}"' in said or f"'{key}'" in said or key.startswith(composed), key
