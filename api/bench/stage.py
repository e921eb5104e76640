"""The stage of a bench: a vault of its own, the load generator, and certificates to ask for."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.bench.figures import Run, side_by_side
from api.bench.floor import floor
from api.bench.helpers import helper_process
from api.bench.load import Heard, Load, apply_load, expect
from api.bench.requests import bench_kind, deposit_body, get, holder, post_json
from api.local_vault import LocalVault, cores, local_vault
from api.wiring import wire
from storage.tables import seal_term_walk
from vault.errors import Unavailable
from vault.model.catalogue import CertificateType
from vault.model.scope import VAULT

LOOPBACK = "127.0.0.1"
AT_ONCE = 8
"""Requests under way in every measurement over HTTP; the issue names it for the duplicates."""
HELLO = f"GET /livez of the same server, {AT_ONCE} at once"
SEED_HOLDERS = 20
CERTIFICATES_A_HOLDER = 3
SEED_GROUP = "A"
SEALS_REST = timedelta(days=1)
# Both processes of a floor begin together: after the slower one has had time to get the message.
_BEGIN_AFTER_S = 0.1
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A vault that answers, and what measurements work with. `seeded`: receipts, `SEED_HOLDERS` in turn.

    `tell` hears of what takes long.
    """

    vault: LocalVault
    kind: CertificateType
    generator: ProcessPoolExecutor
    cores: tuple[ProcessPoolExecutor, ...]
    tell: Callable[[str], None]
    seeded: tuple[Mapping[str, Any], ...] = field(repr=False, default=())

    @property
    def host(self) -> str:
        """Host and port as requests name it."""
        return urlsplit(self.vault.base_url).netloc

    def apply(
        self,
        jobs: tuple[tuple[bytes, ...], ...],
        *,
        seconds: float | None = None,
        again: bool = False,
        keep: bool = False,
        at_once: int = AT_ONCE,
    ) -> Heard:
        """What comes back when the generator applies these jobs, `at_once` under way."""
        address = urlsplit(self.vault.base_url)
        load = Load(
            str(address.hostname),
            int(address.port or 80),
            jobs,
            at_once,
            seconds=seconds,
            again=again,
            keep=keep,
        )
        return self.generator.submit(apply_load, load).result()

    def hello(self, seconds: float) -> Run:
        """The bare route of the same server, under the same load."""
        jobs = ((get(self.host, "/livez"),),)
        return expect(self.apply(jobs, seconds=seconds, again=True), 200).run

    def floor(self, seconds: float, *, handed_in: bool) -> Run:
        """The floor on every core at the same time."""
        begin_at = monotonic() + _BEGIN_AFTER_S
        settings = self.vault.settings
        running = [
            core.submit(floor, settings, begin_at, seconds, handed_in=handed_in) for core in self.cores
        ]
        return side_by_side(each.result() for each in running)

    def token(self) -> str:
        """A fresh access token: they live ten minutes."""
        client = self.vault.city.client
        answer = httpx.post(
            f"{self.vault.base_url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client.client_id, client.secret),
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        return str(_checked(answer).json()["access_token"])

    def document(self, receipt: Mapping[str, Any]) -> bytes:
        """The sealed file of a receipt."""
        answer = httpx.get(
            self.vault.base_url + receipt["documents"][0]["href"],
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        return _checked(answer).content


@contextmanager
def stage(data: Path, tell: Callable[[str], None]) -> Iterator[Stage]:
    """A vault on `data` with `SEED_HOLDERS` times `CERTIFICATES_A_HOLDER` certificates, warm and idle.

    1. Start engines, server processes and worker as `certvault up` does. 2. Start the helpers: one generator,
    a process for each core. 3. Warm the helpers' compilers; deposit the seed, which warms the servers.
    """
    with ExitStack() as stack:
        vault = stack.enter_context(
            local_vault(data, host=LOOPBACK, port=None, processes=None, tell=tell)
        )  # 1
        _let_seals_rest(vault)
        generator = stack.enter_context(helper_process())  # 2
        helpers = tuple(stack.enter_context(helper_process()) for _ in range(cores()))
        bare_stage = Stage(vault, bench_kind(), generator, helpers, tell)
        tell("Warming up.")
        for core in helpers:  # 3
            core.submit(floor, vault.settings, 0.0, 0.0, handed_in=False).result()
        yield Stage(vault, bare_stage.kind, generator, helpers, tell, _seed(bare_stage))


def _let_seals_rest(vault: LocalVault) -> None:
    """What is deposited here is not raised while it is measured: in a city that happens at night."""
    workshop = wire(vault.settings).workshop
    with workshop.database.writing(VAULT) as db:
        db.execute(seal_term_walk.update().values(grace=SEALS_REST))
    workshop.database.close()


def _seed(on: Stage) -> tuple[Mapping[str, Any], ...]:
    token = on.token()
    jobs = tuple(
        (
            post_json(
                on.host, "/v1/deposits", deposit_body(on.kind, holder(SEED_GROUP, n % SEED_HOLDERS)), token
            ),
        )
        for n in range(SEED_HOLDERS * CERTIFICATES_A_HOLDER)
    )
    heard = expect(on.apply(jobs, keep=True), 201)
    return tuple(json.loads(heard.bodies[n])["receipts"][0] for n in range(len(jobs)))


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise Unavailable(f"{answer.request.url.path} answers {answer.status_code}.")
    return answer
