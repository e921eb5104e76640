"""What the edge is told at start, and what every request finds in `app.state.edge`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from anyio import CapacityLimiter, to_thread

from api.addresses import Network
from api.auth import TokenDesk
from api.logs import Metrics
from api.rates import Limiter
from storage.public_read import PublicReader
from storage.rate_buckets import exchange_spent, sweep_drained
from vault.avoided import AvoidedTally
from vault.errors import Unavailable
from vault.model.verdict import Verification
from vault.verify import by_file
from vault.workshop import Workshop

TOKEN_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(hours=8)
# A stranger's file may cost some hundred megabytes while it is read: a process reads so many at a time.
FILES_JUDGED_AT_ONCE = 2
# How long one process may not know what another let through.
LIMITS_EXCHANGED_EVERY_S = 1.0
# Buckets drain within ten minutes at most.
LIMITS_SWEPT_EVERY = 600  # exchanges

_log = logging.getLogger("certvault.limits")


class Mode(StrEnum):
    """Development has sign-in by password and talkative logs; production has neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What the edge needs to know. `public_url` has no trailing slash.

    `token_key_pem`: an EC P-256 private key that signs access tokens, the same in every process;
    `token_key_id` names it in the tokens and the published key set. `trusted_proxies`: whose word counts for
    where a request came from. `limits_factor`: how many times the usual limits strangers have.
    """

    mode: Mode
    public_url: str
    token_key_pem: str = field(repr=False)
    token_key_id: str
    version: str
    token_lifetime: timedelta = TOKEN_LIFETIME
    session_lifetime: timedelta = SESSION_LIFETIME
    trusted_proxies: tuple[Network, ...] = ()
    limits_factor: float = 1.0


class Edge:
    """The running edge: the workshop, the hot path's reader, the token desk and the metrics."""

    def __init__(self, workshop: Workshop, reader: PublicReader, settings: EdgeSettings) -> None:
        self.workshop = workshop
        self.reader = reader
        self.settings = settings
        self.metrics = Metrics()
        self.judging = CapacityLimiter(FILES_JUDGED_AT_ONCE)
        self.avoided = AvoidedTally()
        self.limiter = Limiter(
            self._rate_key, factor=settings.limits_factor, refused=self.metrics.count_refused
        )
        self.tokens = TokenDesk(
            settings.token_key_pem, settings.token_key_id, settings.public_url, settings.token_lifetime
        )

    @property
    def in_development(self) -> bool:
        """Whether people may sign in by password."""
        return self.settings.mode is Mode.DEVELOPMENT

    async def judged(self, content: bytes, at: datetime) -> Verification:
        """What is true of a file: read in a thread, and no more at a time than memory is meant for."""
        return await to_thread.run_sync(partial(by_file, self.workshop, content, at=at), limiter=self.judging)

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
            yield
        finally:
            exchanging.cancel()
            with suppress(asyncio.CancelledError):
                await exchanging
            await self.reader.close()
            self.workshop.database.close()

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
        with self.workshop.database.writing() as db:
            return exchange_spent(db, said)

    def _sweep(self) -> None:
        with suppress(Unavailable), self.workshop.database.writing() as db:
            sweep_drained(db)

    def _rate_key(self, rule: str, subject: str) -> bytes:
        """A keyed hash: addresses are personal data, and are kept nowhere."""
        return self.workshop.keys.index(f"rate:{rule}", subject)
