"""The walk through the main job, over HTTP like any client: deposit, look up, verify, download.

Every step says what it expects; a step that gets something else has failed, and the walk with it.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote_plus

import httpx

from api.cli.browser import sign_in
from api.cli.sample_document import plain_pdf
from api.cli.walk_answers import UnexpectedError, expect, json_of, said, sha256_of
from api.cli.walk_cases import (
    NEXT_MISSING,
    REPLY,
    STORIES,
    Story,
    changed_case,
    completed_case,
    new_run,
    next_question,
    next_use,
    revocation,
    spoiled_case,
)
from api.sample_city import DemoPerson, SampleCity
from vault.model.actors import Role

# The first deposit of a fresh server compiles its template cold.
TIMEOUT_S = 60.0
TYPES_MIN = 24
FEED_PAGE = 1000  # entries of one page of the feed
PDF = {"Content-Type": "application/pdf"}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the walk and what came of it."""

    zh: str
    en: str
    passed: bool
    detail: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class Walked:
    """All steps; the certificates deposited, as `demo.json` lists them; the refusal's problem document.

    `copy`: the usage copy that was made, a PDF; empty where none was.
    """

    steps: tuple[Step, ...]
    certificates: tuple[Mapping[str, Any], ...] = field(repr=False)
    problem: Mapping[str, Any]
    copy: bytes = field(repr=False)

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not come out as expected."""
        return tuple(step for step in self.steps if not step.passed)


def walk(base_url: str, city: SampleCity, *, heard: Callable[[Step], None]) -> Walked:
    """Walks through the main job on a running vault; `heard` gets each step when it is done.

    1. A token; 2. the catalogue; 3. nine cases; 4. one of them again; 5. one with mistakes; 6. what the
    holder has, what a company need not hand in again, and a clerk who uses it; 7. the feed of changes;
    8. verification by token, by number and code, by file, and of an altered file; 9. the holder signs in and
    downloads; 10. one certificate is revoked, another one superseded, and their old files say so.
    """
    with _Walk(base_url, city) as walker:
        steps = []
        for zh, en, take in walker.plan():
            started = time.perf_counter()
            try:
                passed, detail = True, take()
            except UnexpectedError as error:
                passed, detail = False, str(error)
            except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
                passed, detail = False, f"{type(error).__name__}: {error}"
            steps.append(Step(zh, en, passed, detail, (time.perf_counter() - started) * 1000))
            heard(steps[-1])
        return Walked(tuple(steps), tuple(walker.certificates), walker.problem, walker.copy)


class _Walk:
    """What the steps know from each other."""

    def __init__(self, base_url: str, city: SampleCity) -> None:
        self._city = city
        self._machine = httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)
        self._browser = httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)
        self._run = new_run()
        self._bodies: dict[str, dict[str, Any]] = {}
        self._receipts: dict[str, dict[str, Any]] = {}
        self._sealed = b""
        self.certificates: list[Mapping[str, Any]] = []
        self.problem: Mapping[str, Any] = {}
        self.copy = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._machine.close()
        self._browser.close()

    def plan(self) -> list[tuple[str, str, Callable[[], str]]]:
        """Caption in Chinese and English, and what is done."""
        deposits = [(f"入库：{s.zh}", f"deposit: {s.en}", lambda s=s: self._deposit(s)) for s in STORIES]
        return [
            ("取得令牌", "access token", self._token),  # 1
            ("证照目录", "catalogue", self._catalogue),  # 2
            *deposits,  # 3
            (f"入库：{REPLY.zh}", f"deposit: {REPLY.en}", self._deposit_file),
            ("重复提交", "the same again", self._deposit_again),  # 4
            ("错误提交", "with mistakes", self._deposit_spoiled),  # 5
            ("按持证主体查询", "look-up by holder", self._holdings),  # 6
            ("免提交核验", "what need not be handed in again", self._reuse),
            ("用证与加注件", "a clerk uses it, with a copy", self._use),
            ("变更清单", "what happened, in order", self._changes),  # 7
            ("扫码验证", "verify by QR token", self._verify_token),  # 8
            ("编号加验证码", "verify by number and code", self._verify_code),
            ("上传文件验证", "verify by file", self._verify_file),
            ("篡改文件验证", "verify an altered file", self._verify_altered),
            ("持证人登录", "the holder signs in", self._sign_in),  # 9
            ("持证人下载", "the holder downloads", self._download),
            ("吊销后验证", "revoked, and its file verified", self._revoke),  # 10
            ("变更后验证", "superseded, and its old file verified", self._supersede),
        ]

    def _token(self) -> str:
        client = self._city.client
        basic = httpx.BasicAuth(quote_plus(client.client_id), quote_plus(client.secret))
        answer = self._machine.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
        found = json_of(answer, 200)
        self._machine.headers["Authorization"] = f"Bearer {found['access_token']}"
        return f"{client.client_id}, {found['expires_in']} s"

    def _catalogue(self) -> str:
        types = json_of(self._machine.get("/v1/catalogue/types"), 200)["types"]
        expect(len(types) >= TYPES_MIN, f"at least {TYPES_MIN} types", f"{len(types)}")
        return f"{len(types)} 种 kinds"

    def _deposit(self, story: Story) -> str:
        return self._send(story, completed_case(story, self._example(story), self._run))

    def _deposit_file(self) -> str:
        example = self._example(REPLY)
        fields = example["fields"]
        pdf = plain_pdf(
            "样例市生态环境局关于环境影响报告书的批复",
            [f"项目：{fields['project_name']}", f"地点：{fields['location']}", "经研究，同意该项目建设。"],
        )
        sha256 = hashlib.sha256(pdf).hexdigest()
        uploaded = self._machine.put(f"/v1/uploads/{sha256}", content=pdf, headers=PDF)
        expect(uploaded.status_code in {200, 201}, "201 or 200", said(uploaded))
        return self._send(REPLY, completed_case(REPLY, example, self._run, document=sha256))

    def _send(self, story: Story, body: dict[str, Any]) -> str:
        (receipt,) = json_of(self._machine.post("/v1/deposits", json=body), 201)["receipts"]
        self._bodies[story.key], self._receipts[story.key] = body, receipt
        names = ("certificate_id", "identifier", "number", "type", "verification_code", "verify_url")
        self.certificates.append({name: receipt[name] for name in names})
        (document,) = receipt["documents"]
        return f"{receipt['number']} · {document['seal_level']} · {document['size_bytes'] / 1000:.0f} kB"

    def _deposit_again(self) -> str:
        story = STORIES[0]
        first = self._receipt(story.key)
        (receipt,) = json_of(self._machine.post("/v1/deposits", json=self._bodies[story.key]), 200)[
            "receipts"
        ]
        # The leaf may have got its place in the log meanwhile: a receipt shows that as soon as it is so.
        expect({**receipt, "log": None} == {**first, "log": None}, "the same receipt", "another one")
        expect(receipt["log"]["promise"] == first["log"]["promise"], "the same promise", "another one")
        return "200, 同一回执 the same receipt"

    def _deposit_spoiled(self) -> str:
        body = spoiled_case(self._example(STORIES[1]), self._run)
        self.problem = json_of(self._machine.post("/v1/deposits", json=body), 422)
        pointers = {problem["pointer"] for problem in self.problem["errors"]}
        wanted = {"/results/0/holders/0/code", "/results/0/valid_to"}
        expect(wanted <= pointers, " and ".join(sorted(wanted)), ", ".join(sorted(pointers)))
        return "422, 两处问题 both mistakes named"

    def _holdings(self) -> str:
        code = self._holder().code
        if code is None:
            raise UnexpectedError("Expected a holder with a code, got none.")
        question = {
            "holder": {"code_type": code.code_type, "code": code.value},
            "purpose": "演示 demonstration",
        }
        found = json_of(self._machine.post("/v1/holdings", json=question), 200)["certificates"]
        wanted = {self._receipt(key)["certificate_id"] for key in ("home", "marriage")}
        expect(wanted <= {c["certificate_id"] for c in found}, "home and marriage", f"{len(found)} others")
        return f"{len(found)} 件 certificates"

    def _reuse(self) -> str:
        """The company that may build applies for its next item: all but one material is held already."""
        lines = json_of(self._machine.post("/v1/reuse-checks", json=next_question(self._run)), 200)["lines"]
        held = [line for line in lines if line["state"] == "held"]
        missing = [line for line in lines if line["state"] != "held"]
        named = ", ".join(f"{line['requirement']} {line['state']}" for line in missing)
        as_expected = [(NEXT_MISSING, "not_held")]
        found = [(line["requirement"], line["state"]) for line in missing]
        expect(found == as_expected, f"all held but {NEXT_MISSING}", named)
        (last,) = missing
        return f"{len(held)} 项已有 held · 缺 missing: {last['name']} ({last['why']})"

    def _use(self) -> str:
        """A clerk uses the construction permit for the next case: a code, and a copy that says what for."""
        question = next_use(self._receipt("building")["certificate_id"], self._run)
        made = json_of(self._machine.post("/v1/uses", json=question), 201)
        answer = self._machine.get(made["copy"]["href"])
        expect(sha256_of(answer) == made["copy"]["sha256"], "the digest of the answer", "another")
        report = json_of(self._browser.post("/v1/verifications", content=answer.content, headers=PDF), 200)
        expect(report["verdict"] == "genuine", "genuine", report["verdict"])
        expect(report["usage_copy"]["purpose"] == question["purpose"], "the purpose", "another")
        self.copy = answer.content
        redeemed = self._machine.post("/v1/uses/redemptions", json={"code": made["code"]})
        number = json_of(redeemed, 201)["certificate"]["number"]
        until = report["usage_copy"]["valid_until"]
        return f"{number} · 加注件 copy {len(self.copy) / 1000:.0f} kB, until {until} · 用证码 code redeemed"

    def _changes(self) -> str:
        """Everything that was deposited is in the feed, page by page from its start."""
        seen: list[dict[str, Any]] = []
        page: dict[str, Any] = {"cursor": "0", "more": True}
        while page["more"]:
            asked = self._machine.get("/v1/changes", params={"after": page["cursor"], "limit": FEED_PAGE})
            page = json_of(asked, 200)
            seen += page["changes"]
        missing = {c["certificate_id"] for c in self.certificates} - {c.get("certificate_id") for c in seen}
        expect(bool(self.certificates) and not missing, "every deposit in it", f"{len(missing)} missing")
        return f"{len(seen)} 条 entries, cursor {page['cursor']}"

    def _verify_token(self) -> str:
        token = self._receipt("company")["verify_url"].partition("#t=")[2]
        return self._genuine(self._browser.post("/v1/verifications", json={"token": token}))

    def _verify_code(self) -> str:
        receipt = self._receipt("home")
        question = {"number": receipt["number"], "code": receipt["verification_code"]}
        return self._genuine(self._browser.post("/v1/verifications", json=question))

    def _verify_file(self) -> str:
        (document,) = self._receipt("marriage")["documents"]
        answer = self._machine.get(document["href"])
        expect(answer.status_code == httpx.codes.OK, "200", said(answer))
        expect(sha256_of(answer) == document["sha256"], "the digest of the receipt", "another")
        self._sealed = answer.content
        return self._genuine(self._browser.post("/v1/verifications", content=self._sealed, headers=PDF))

    def _verify_altered(self) -> str:
        expect(self._sealed != b"", "a file from the step before", "none")
        altered = bytearray(self._sealed)
        altered[len(altered) // 3] ^= 1
        answer = self._browser.post("/v1/verifications", content=bytes(altered), headers=PDF)
        verdict = json_of(answer, 200)["verdict"]
        expect(verdict != "genuine", "any verdict but genuine", verdict)
        return f"{verdict}, 一位之差 one bit flipped"

    def _sign_in(self) -> str:
        holder = self._holder()
        answer = sign_in(self._browse, str(self._browser.base_url).rstrip("/"), holder.login, holder.password)
        expect(answer.status_code == httpx.codes.SEE_OTHER, "303", said(answer))
        mine = json_of(self._browser.get("/v1/me/certificates"), 200)["certificates"]
        expect(len(mine) > 1, "home and marriage at least", f"{len(mine)}")
        return f"{holder.login}, {len(mine)} 件 certificates"

    def _browse(self, method: str, address: str, form: Mapping[str, str] | None) -> httpx.Response:
        return self._browser.request(method, address, data=form)

    def _download(self) -> str:
        receipt = self._receipt("marriage")
        answer = self._browser.get(f"/v1/me/certificates/{receipt['certificate_id']}/document?format=pdf")
        expect(answer.status_code == httpx.codes.OK, "200", said(answer))
        expect(answer.content == self._sealed, "the bytes that the approval system got", "others")
        expect(sha256_of(answer) == receipt["documents"][0]["sha256"], "the digest of the receipt", "another")
        return f"{len(answer.content)} 字节 bytes, 逐字节相同 byte for byte"

    def _revoke(self) -> str:
        receipt = self._receipt("restaurant")
        sealed = self._sealed_file(receipt)
        self._genuine(self._verified(sealed))
        path = f"/v1/certificates/{receipt['certificate_id']}/status"
        decision = revocation()
        json_of(self._machine.post(path, json=decision), 201)
        return self._not_in_force(sealed, "revoked", since=decision["effective_on"], why=decision["reason"])

    def _supersede(self) -> str:
        story = STORIES[0]
        old = self._receipt(story.key)
        sealed = self._sealed_file(old)
        body = changed_case(story, self._example(story), self._run, old["certificate_id"])
        (new,) = json_of(self._machine.post("/v1/deposits", json=body), 201)["receipts"]
        today = body["results"][0]["issued_on"]
        return self._not_in_force(sealed, "superseded", since=today, successor=new["identifier"])

    def _sealed_file(self, receipt: Mapping[str, Any]) -> bytes:
        answer = self._machine.get(receipt["documents"][0]["href"])
        expect(answer.status_code == httpx.codes.OK, "200", said(answer))
        return answer.content

    def _verified(self, sealed: bytes) -> httpx.Response:
        return self._browser.post("/v1/verifications", content=sealed, headers=PDF)

    def _not_in_force(
        self, sealed: bytes, status: str, *, since: str, why: str | None = None, successor: str | None = None
    ) -> str:
        """The file that was genuine a moment ago is not in force: since when, why, in favour of what."""
        report = json_of(self._verified(sealed), 200)
        expect(report["verdict"] == "not_in_force", "not_in_force", report["verdict"])
        shown = report["certificate"]
        expected = (status, since, why, successor)
        found = tuple(shown[name] for name in ("status", "status_effective_on", "status_reason", "successor"))
        expect(found == expected, f"{expected}", f"{found}")
        told = why if successor is None else f"后续 successor {successor}"
        return f"not_in_force, {status}, {since}: {told}"

    def _example(self, story: Story) -> dict[str, Any]:
        example: dict[str, Any] = json_of(self._machine.get(f"/v1/catalogue/types/{story.type_code}"), 200)[
            "example"
        ]
        return example

    def _receipt(self, key: str) -> dict[str, Any]:
        if key not in self._receipts:
            raise UnexpectedError(f"Needs the certificate of {key}, which was not deposited.")
        return self._receipts[key]

    def _holder(self) -> DemoPerson:
        return next(person for person in self._city.people if person.role is Role.HOLDER)

    def _genuine(self, answer: httpx.Response) -> str:
        verdict = json_of(answer, 200)["verdict"]
        expect(verdict == "genuine", "genuine", verdict)
        return "genuine 真实有效"
