"""What the edge is told at start, and what every request finds in `app.state.edge`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, create_task_group, fail_after, sleep, to_thread

from api.auth import LEEWAY_S, TokenDesk
from api.logs import Metrics
from api.oidc import Provider, RelyingParty, new_http
from api.rates import Limiter
from api.token_keys import TokenKeys
from signing.confined import Judges
from storage.public_read import PublicReader
from storage.rate_buckets import exchange_spent, sweep_drained
from vault.accesses import VerificationTally
from vault.accesses.counting import HAND_OVER_EVERY_S, NOBODYS
from vault.avoided import AvoidedTally
from vault.deposit_tally import HAND_OVER_EVERY_S as DEPOSITS_HANDED_OVER_EVERY_S
from vault.deposit_tally import DepositTally
from vault.errors import Unavailable
from vault.model.destinations import Destinations, Network
from vault.model.scope import NOBODY
from vault.model.verdict import Verification
from vault.verify import ReadFile, by_judging, by_very_bytes, report_json
from vault.workshop import Workshop

TOKEN_LIFETIME = timedelta(minutes=10)
# How long after its last signature a key must stay: as long as the tokens that it signed.
TOKENS_OUTLIVE_KEY = TOKEN_LIFETIME + timedelta(seconds=LEEWAY_S)
# Strangers' files are judged in processes of their own, which may take a gigabyte each: for each process that
# serves so many at a time.
FILES_JUDGED_AT_ONCE = 2
# An edited template may take a gigabyte and six seconds of a core, too.
TEMPLATES_TRIED_AT_ONCE = 1
# A judge has 29 seconds; nobody waits longer than this for one to begin.
JUDGE_WITHIN_S = 10.0
# How long one process may not know what another let through.
LIMITS_EXCHANGED_EVERY_S = 1.0
# Buckets drain within ten minutes at most.
LIMITS_SWEPT_EVERY = 600  # exchanges
PUBLIC_ONLY = Destinations(https_only=True)

_log = logging.getLogger("certvault.limits")


class Mode(StrEnum):
    """Development may do without TLS, has an identity provider of its own and talkative logs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What the edge needs to know. `public_url` has no trailing slash.

    `token_keys`: the folder with the keys that sign access tokens, the same for every process. `providers`:
    by whom people may sign in. `listed_items_only`: refuse deposits of service items that the catalogue does
    not have. `destinations`: where webhooks may go. `trusted_proxies`: whose word counts for where a request
    came from. `limits_factor`: how many times the usual limits strangers have. `mode`: whether pages for
    developers are there.
    """

    public_url: str
    token_keys: Path
    version: str
    providers: tuple[Provider, ...] = ()
    listed_items_only: bool = False
    destinations: Destinations = PUBLIC_ONLY
    trusted_proxies: tuple[Network, ...] = ()
    limits_factor: float = 1.0
    mode: Mode = Mode.PRODUCTION


class Edge:
    """The running edge: workshop, the hot path's reader, token desk, identity providers and metrics."""

    def __init__(self, workshop: Workshop, reader: PublicReader, settings: EdgeSettings) -> None:
        self.workshop = workshop
        self.reader = reader
        self.settings = settings
        self.metrics = Metrics()
        self.judging = CapacityLimiter(FILES_JUDGED_AT_ONCE)
        self.trying = CapacityLimiter(TEMPLATES_TRIED_AT_ONCE)
        self.judges = Judges(standing=FILES_JUDGED_AT_ONCE)
        self.avoided = AvoidedTally()
        self.verified = VerificationTally()
        self.deposits = DepositTally()
        self.limiter = Limiter(
            self._rate_key, factor=settings.limits_factor, refused=self.metrics.count_refused
        )
        keys = TokenKeys(settings.token_keys, TOKENS_OUTLIVE_KEY)
        self.tokens = TokenDesk(keys, settings.public_url, TOKEN_LIFETIME)
        self.http = new_http()
        self.parties: Mapping[str, RelyingParty] = {
            provider.key: RelyingParty(provider, settings.public_url, self.http)
            for provider in settings.providers
        }

    async def judged(self, file: ReadFile, at: datetime) -> Verification:
        """What is true of a file: of our very bytes at once, of a stranger's by a judge in another process.

        Strangers' files wait for one another and for nobody else; each may take a gigabyte.

        Raises:
            Unavailable: the database does not answer, or every judge is busy for long.
        """
        known = await to_thread.run_sync(partial(by_very_bytes, self.workshop, file, at=at))
        if known is not None:
            return known
        judge = partial(self._judged_by_seals, file, at)
        try:
            with fail_after(JUDGE_WITHIN_S):
                await self.judging.acquire_on_behalf_of(judge)
        except TimeoutError:
            raise Unavailable("Too many files are being judged; send it again.", retry_after_s=5) from None
        try:
            return await to_thread.run_sync(judge)
        finally:
            self.judging.release_on_behalf_of(judge)

    def _judged_by_seals(self, file: ReadFile, at: datetime) -> Verification:
        return by_judging(self.workshop, file.joined(), at=at, examine_with=self.judges.examine)

    def report(self, verification: Verification) -> dict[str, Any]:
        """A stranger's report, counted for the holder if it is about a certificate of ours.

        A miss is counted, too, for nobody: it takes as long as a hit.
        """
        self.verified.note(verification.certificate_id or NOBODYS, verification.checked_at)
        return report_json(verification)

    def hand_over_counts(self) -> None:
        """Hands over what was counted; while the database does not answer it is kept for the next time."""
        with suppress(Unavailable):
            self.verified.hand_over(self.workshop, at=datetime.now(UTC))

    def hand_over_deposits(self) -> None:
        """Hands over how deposits went; while the database does not answer it is kept for the next time."""
        with suppress(Unavailable):
            self.deposits.hand_over(self.workshop)

    async def exchange_limits(self) -> None:
        """Tells the other processes what was spent here, and hears what they let through."""
        said = self.limiter.unsaid()
        if not said:
            return
        try:
            self.limiter.heard(await to_thread.run_sync(self._exchange, said))
        except Unavailable:
            self.limiter.unheard(said)
            self.metrics.count_limits_alone()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens what needs an event loop, closes everything at the end."""
        await self.reader.open()
        exchanging = asyncio.create_task(self._exchange_for_ever())
        try:
            with self.judges:
                async with create_task_group() as tasks:
                    tasks.start_soon(self._keep_counting)
                    tasks.start_soon(self._keep_tallying)
                    yield
                    tasks.cancel_scope.cancel()
        finally:
            exchanging.cancel()
            with suppress(asyncio.CancelledError):
                await exchanging
            self.hand_over_counts()
            self.hand_over_deposits()
            await self.reader.close()
            self.workshop.database.close()
            self.http.close()

    async def _keep_counting(self) -> None:
        await _for_ever(HAND_OVER_EVERY_S, self.hand_over_counts)

    async def _keep_tallying(self) -> None:
        await _for_ever(DEPOSITS_HANDED_OVER_EVERY_S, self.hand_over_deposits)

    async def _exchange_for_ever(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(LIMITS_EXCHANGED_EVERY_S)
            rounds += 1
            try:
                await self.exchange_limits()
                if rounds % LIMITS_SWEPT_EVERY == 0:
                    self.limiter.forget_drained()
                    await to_thread.run_sync(self._sweep)
            except Exception as error:  # noqa: BLE001 - limits by this process's own count are better than none
                _log.error("incident", exc_info=error)

    def _exchange(self, said: dict[bytes, float]) -> dict[bytes, float]:
        with self.workshop.database.writing(NOBODY) as db:
            return exchange_spent(db, said)

    def _sweep(self) -> None:
        with suppress(Unavailable), self.workshop.database.writing(NOBODY) as db:
            sweep_drained(db)

    def _rate_key(self, rule: str, subject: str) -> bytes:
        """A keyed hash: addresses are personal data, and are kept nowhere."""
        return self.workshop.keys.index(f"rate:{rule}", subject)


async def _for_ever(every_s: float, work: Callable[[], None]) -> None:
    """Does it in a thread again and again; where it fails that is logged, and the server goes on."""
    while True:
        await sleep(every_s)
        try:
            await to_thread.run_sync(work)
        except Exception as error:  # noqa: BLE001 - counts that are short are better than a server that ends
            _log.error("incident", exc_info=error)
