"""The load: clients that deposit, verify and look up, and that send again whatever did not succeed."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from api.bench.requests import bench_kind, deposit_body, holder
from tests.rehearsal.stage import CLIENT

HOLDERS = 300
# A client goes on trying for so long: whoever has a case to close does not give up sooner.
PATIENCE_S = 180.0
TIMEOUT_S = 30.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
TOKEN_LIFE_S = 300.0
# Of ten questions: as many of each. Half of the clients deposit, too; the others only ask, so that it shows
# what goes on while no deposit does.
MIX: Final = ("deposit",) * 5 + ("verify",) * 2 + ("holdings",) * 2 + ("receipts",)
ASKED_ONLY: Final = ("verify",) * 7 + ("holdings",) * 3
# What may be cured by sending again: no answer at all, or one that says that it was not the question's fault.
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Try:
    """One request on the wire. `came_to`: "ok", a status with the problem's kind, or the client's error."""

    at: float
    question: str
    came_to: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """A question with all its tries. `cured`: it succeeded, whatever came before."""

    began: float
    seconds: float
    question: str
    tries: int
    cured: bool


@dataclass(slots=True)
class Load:
    """Threads that ask until they are stopped. `pause_s`: what each rests between two questions."""

    url: str
    secret: str = field(repr=False)
    receipts_file: Path
    threads: int
    pause_s: float
    tries: list[Try] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    receipts: list[Mapping[str, Any]] = field(default_factory=list)
    statuses_of_deposits: Counter[int] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _token: tuple[str, float] = ("", -TOKEN_LIFE_S)

    def start(self) -> None:
        """Begins."""
        self._running = [threading.Thread(target=self._work, args=(n,)) for n in range(self.threads)]
        for thread in self._running:
            thread.start()

    def stop(self) -> None:
        """Lets every question that is under way come to its end."""
        self._over.set()
        for thread in self._running:
            thread.join()

    def _work(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - which question comes next is no secret
        client = Client(self, chance, MIX if number % 2 == 0 else ASKED_ONLY)
        while not self._over.is_set():
            try:
                client.ask()
            except Exception as error:  # noqa: BLE001 - a finding, whatever it is
                self.wrong.append(f"{type(error).__name__}: {error}"[:500])
            time.sleep(self.pause_s)

    def token(self, http: httpx.Client, *, anew: bool = False) -> str:
        """An access token that lives for a while yet."""
        with self._lock:
            token, since = self._token
        if anew or time.monotonic() - since > TOKEN_LIFE_S:
            form, auth = {"grant_type": "client_credentials"}, (CLIENT, self.secret)
            answer = self.insist("token", lambda: http.post("/oauth/token", data=form, auth=auth))
            token = str(answer.json()["access_token"])
            with self._lock:
                self._token = (token, time.monotonic())
        return token

    def insist(self, question: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Sends until it succeeds.

        Raises:
            AssertionError: an answer that no retry cures, or none within `PATIENCE_S`.
        """
        began, pause_s, tries = time.monotonic(), FIRST_PAUSE_S, 0
        while True:
            at, tries = time.monotonic(), tries + 1
            answer, came_to = _sent(send)
            self.tries.append(Try(at, question, came_to, time.monotonic() - at))
            if answer is not None and answer.is_success:
                self.done.append(Done(began, time.monotonic() - began, question, tries, cured=True))
                return answer
            hopeless = answer is not None and answer.status_code not in RETRIED
            if hopeless or time.monotonic() - began > PATIENCE_S:
                self.done.append(Done(began, time.monotonic() - began, question, tries, cured=False))
                body = "" if answer is None else answer.text[:300]
                raise AssertionError(f"{question}: {came_to} after {tries} tries {body}")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def keep(self, receipt: Mapping[str, Any], status: int) -> None:
        """A receipt is kept as a client would: on disk before anything else happens."""
        with self._lock:
            with self.receipts_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(receipt) + "\n")
            self.receipts.append(receipt)
            self.statuses_of_deposits[status] += 1


class Client:
    """One thread's questions; it checks each answer against the receipts that it had before it asked."""

    def __init__(self, load: Load, chance: random.Random, mix: Sequence[str] = MIX) -> None:
        self._load, self._chance, self._mix = load, chance, mix
        self._kind = bench_kind()
        self._http = httpx.Client(base_url=load.url, timeout=TIMEOUT_S, trust_env=False)

    def ask(self, question: str | None = None) -> None:
        """One question of the mix, or this one."""
        question = question or self._chance.choice(self._mix)
        if question == "deposit" or not self._load.receipts:
            self.deposit()
            return
        receipt = self._chance.choice(self._load.receipts)
        if question == "verify":
            self.verify(receipt)
        elif question == "holdings":
            self.holdings(receipt)
        else:
            self.again(receipt)

    def deposit(self) -> None:
        """A new case; the same body until there is a receipt."""
        n = self._chance.randrange(HOLDERS)
        body = deposit_body(self._kind, holder("R", n))
        answer = self._signed("deposit", "POST", "/v1/deposits", body)
        (receipt,) = answer.json()["receipts"]
        kept = {**receipt, "holder": n, "case": body["case"]["number"]}
        self._load.keep(kept, answer.status_code)

    def verify(self, receipt: Mapping[str, Any]) -> None:
        """By number and code: genuine, and the one that the receipt names."""
        question = {"number": receipt["number"], "code": receipt["verification_code"]}
        report = self._load.insist(
            "verify", lambda: self._http.post("/v1/verifications", json=question)
        ).json()
        assert report["verdict"] == "genuine", f"a receipt's certificate is {report['verdict']}"
        assert report["certificate"]["identifier"] == receipt["identifier"], "another certificate"

    def holdings(self, receipt: Mapping[str, Any]) -> None:
        """Everything of this holder that there are receipts for is there."""
        holder_of = receipt["holder"]
        known = {each["certificate_id"] for each in list(self._load.receipts) if each["holder"] == holder_of}
        named = {key: holder("R", holder_of)[key] for key in ("code_type", "code")}
        body = {"holder": named, "purpose": "rehearsal"}
        found = self._signed("holdings", "POST", "/v1/holdings", body).json()["certificates"]
        missing = known - {each["certificate_id"] for each in found}
        assert not missing, f"{len(missing)} certificates with receipts are not among the holdings"

    def again(self, receipt: Mapping[str, Any]) -> None:
        """The case's receipts once more: the same."""
        answer = self._signed("receipts", "GET", f"/v1/cases/{receipt['case']}", None)
        (same,) = answer.json()["receipts"]
        assert same["identifier"] == receipt["identifier"], "another receipt for the same case"

    def _signed(self, question: str, method: str, path: str, body: object) -> httpx.Response:
        def send() -> httpx.Response:
            headers = {"Authorization": f"Bearer {self._load.token(self._http)}"}
            return self._http.request(method, path, json=body, headers=headers)

        return self._load.insist(question, send)


def _sent(send: Callable[[], httpx.Response]) -> tuple[httpx.Response | None, str]:
    try:
        answer = send()
    except httpx.HTTPError as error:
        return None, type(error).__name__
    if answer.is_success:
        return answer, "ok"
    kind = ""
    if "problem+json" in answer.headers.get("content-type", ""):
        kind = str(answer.json().get("type", "")).rpartition("/")[2]
    return answer, f"{answer.status_code} {kind}".strip()
