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

from api.cli.sample_document import plain_pdf
from api.cli.walk_cases import (
    NEXT_MISSING,
    REPLY,
    STORIES,
    Story,
    completed_case,
    new_run,
    next_question,
    spoiled_case,
)
from api.sample_city import DemoPerson, SampleCity
from vault.model.actors import Role

# The first deposit of a fresh server compiles its template cold.
TIMEOUT_S = 60.0
TYPES_MIN = 24
PDF = {"Content-Type": "application/pdf"}


class UnexpectedError(Exception):
    """A step got something else than it expected; the sentence says what."""


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
    """All steps; the certificates deposited, as `demo.json` lists them; the refusal's problem document."""

    steps: tuple[Step, ...]
    certificates: tuple[Mapping[str, Any], ...] = field(repr=False)
    problem: Mapping[str, Any]

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not come out as expected."""
        return tuple(step for step in self.steps if not step.passed)


def walk(base_url: str, city: SampleCity, *, heard: Callable[[Step], None]) -> Walked:
    """Walks through the main job on a running vault; `heard` gets each step when it is done.

    1. A token; 2. the catalogue; 3. nine cases; 4. one of them again; 5. one with mistakes; 6. what the
    holder has, and what a company need not hand in again; 7. verification by token, by number and code, by
    file, and of an altered file; 8. the holder signs in and downloads.
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
        return Walked(tuple(steps), tuple(walker.certificates), walker.problem)


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
            ("扫码验证", "verify by QR token", self._verify_token),  # 7
            ("编号加验证码", "verify by number and code", self._verify_code),
            ("上传文件验证", "verify by file", self._verify_file),
            ("篡改文件验证", "verify an altered file", self._verify_altered),
            ("持证人登录", "the holder signs in", self._sign_in),  # 8
            ("持证人下载", "the holder downloads", self._download),
        ]

    def _token(self) -> str:
        client = self._city.client
        basic = httpx.BasicAuth(quote_plus(client.client_id), quote_plus(client.secret))
        answer = self._machine.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
        found = _json(answer, 200)
        self._machine.headers["Authorization"] = f"Bearer {found['access_token']}"
        return f"{client.client_id}, {found['expires_in']} s"

    def _catalogue(self) -> str:
        types = _json(self._machine.get("/v1/catalogue/types"), 200)["types"]
        _expect(len(types) >= TYPES_MIN, f"at least {TYPES_MIN} types", f"{len(types)}")
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
        _expect(uploaded.status_code in {200, 201}, "201 or 200", _said(uploaded))
        return self._send(REPLY, completed_case(REPLY, example, self._run, document=sha256))

    def _send(self, story: Story, body: dict[str, Any]) -> str:
        (receipt,) = _json(self._machine.post("/v1/deposits", json=body), 201)["receipts"]
        self._bodies[story.key], self._receipts[story.key] = body, receipt
        names = ("certificate_id", "identifier", "number", "type", "verification_code", "verify_url")
        self.certificates.append({name: receipt[name] for name in names})
        (document,) = receipt["documents"]
        return f"{receipt['number']} · {document['seal_level']} · {document['size_bytes'] / 1000:.0f} kB"

    def _deposit_again(self) -> str:
        story = STORIES[0]
        first = self._receipt(story.key)
        (receipt,) = _json(self._machine.post("/v1/deposits", json=self._bodies[story.key]), 200)["receipts"]
        # The leaf may have got its place in the log meanwhile: a receipt shows that as soon as it is so.
        _expect({**receipt, "log": None} == {**first, "log": None}, "the same receipt", "another one")
        _expect(receipt["log"]["promise"] == first["log"]["promise"], "the same promise", "another one")
        return "200, 同一回执 the same receipt"

    def _deposit_spoiled(self) -> str:
        body = spoiled_case(self._example(STORIES[1]), self._run)
        self.problem = _json(self._machine.post("/v1/deposits", json=body), 422)
        pointers = {problem["pointer"] for problem in self.problem["errors"]}
        wanted = {"/results/0/holders/0/code", "/results/0/valid_to"}
        _expect(wanted <= pointers, " and ".join(sorted(wanted)), ", ".join(sorted(pointers)))
        return "422, 两处问题 both mistakes named"

    def _holdings(self) -> str:
        code = self._holder().code
        if code is None:
            raise UnexpectedError("Expected a holder with a code, got none.")
        question = {
            "holder": {"code_type": code.code_type, "code": code.value},
            "purpose": "演示 demonstration",
        }
        found = _json(self._machine.post("/v1/holdings", json=question), 200)["certificates"]
        wanted = {self._receipt(key)["certificate_id"] for key in ("home", "marriage")}
        _expect(wanted <= {c["certificate_id"] for c in found}, "home and marriage", f"{len(found)} others")
        return f"{len(found)} 件 certificates"

    def _reuse(self) -> str:
        """The company that may build applies for its next item: all but one material is held already."""
        lines = _json(self._machine.post("/v1/reuse-checks", json=next_question(self._run)), 200)["lines"]
        held = [line for line in lines if line["state"] == "held"]
        missing = [line for line in lines if line["state"] != "held"]
        named = ", ".join(f"{line['requirement']} {line['state']}" for line in missing)
        as_expected = [(NEXT_MISSING, "not_held")]
        found = [(line["requirement"], line["state"]) for line in missing]
        _expect(found == as_expected, f"all held but {NEXT_MISSING}", named)
        (last,) = missing
        return f"{len(held)} 项已有 held · 缺 missing: {last['name']} ({last['why']})"

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
        _expect(answer.status_code == httpx.codes.OK, "200", _said(answer))
        _expect(_sha256(answer) == document["sha256"], "the digest of the receipt", "another")
        self._sealed = answer.content
        return self._genuine(self._browser.post("/v1/verifications", content=self._sealed, headers=PDF))

    def _verify_altered(self) -> str:
        _expect(self._sealed != b"", "a file from the step before", "none")
        altered = bytearray(self._sealed)
        altered[len(altered) // 3] ^= 1
        answer = self._browser.post("/v1/verifications", content=bytes(altered), headers=PDF)
        verdict = _json(answer, 200)["verdict"]
        _expect(verdict != "genuine", "any verdict but genuine", verdict)
        return f"{verdict}, 一位之差 one bit flipped"

    def _sign_in(self) -> str:
        holder = self._holder()
        answer = self._browser.post("/dev/login", data={"login": holder.login, "password": holder.password})
        _expect(answer.status_code == httpx.codes.SEE_OTHER, "303", _said(answer))
        mine = _json(self._browser.get("/v1/me/certificates"), 200)["certificates"]
        _expect(len(mine) > 1, "home and marriage at least", f"{len(mine)}")
        return f"{holder.login}, {len(mine)} 件 certificates"

    def _download(self) -> str:
        receipt = self._receipt("marriage")
        answer = self._browser.get(f"/v1/me/certificates/{receipt['certificate_id']}/document?format=pdf")
        _expect(answer.status_code == httpx.codes.OK, "200", _said(answer))
        _expect(answer.content == self._sealed, "the bytes that the approval system got", "others")
        _expect(_sha256(answer) == receipt["documents"][0]["sha256"], "the digest of the receipt", "another")
        return f"{len(answer.content)} 字节 bytes, 逐字节相同 byte for byte"

    def _example(self, story: Story) -> dict[str, Any]:
        example: dict[str, Any] = _json(self._machine.get(f"/v1/catalogue/types/{story.type_code}"), 200)[
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
        verdict = _json(answer, 200)["verdict"]
        _expect(verdict == "genuine", "genuine", verdict)
        return "genuine 真实有效"


def _json(answer: httpx.Response, status: int) -> dict[str, Any]:
    _expect(answer.status_code == status, str(status), _said(answer))
    found: dict[str, Any] = answer.json()
    return found


def _said(answer: httpx.Response) -> str:
    """The answer's status, with a problem document's sentence."""
    try:
        problem = answer.json()
        named = "; ".join(f"{each['pointer']}: {each['detail']}" for each in problem.get("errors", ()))
        incident = f"incident {problem['incident']}" if "incident" in problem else ""
        return f"{answer.status_code}: {problem['detail']} {named}{incident}".rstrip(" .")
    except (ValueError, LookupError, TypeError, AttributeError):
        return str(answer.status_code)


def _expect(met: bool, expected: str, came: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not met:
        raise UnexpectedError(f"Expected {expected}, got {came}.")


def _sha256(answer: httpx.Response) -> str:
    return hashlib.sha256(answer.content).hexdigest()
