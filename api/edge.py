"""What the edge is told at start, and what every request finds in `app.state.edge`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from api.auth import LEEWAY_S, TokenDesk
from api.logs import Metrics
from api.oidc import Provider, RelyingParty, new_http
from api.token_keys import TokenKeys
from storage.public_read import PublicReader
from vault.avoided import AvoidedTally
from vault.model.destinations import Destinations
from vault.model.verdict import Verification
from vault.verify import by_file
from vault.workshop import Workshop

TOKEN_LIFETIME = timedelta(minutes=10)
# How long after its last signature a key must stay: as long as the tokens that it signed.
TOKENS_OUTLIVE_KEY = TOKEN_LIFETIME + timedelta(seconds=LEEWAY_S)
# A stranger's file may cost some hundred megabytes while it is read: a process reads so many at a time.
FILES_JUDGED_AT_ONCE = 2
PUBLIC_ONLY = Destinations(https_only=True)


class Mode(StrEnum):
    """Development may do without TLS, has an identity provider of its own and talkative logs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What the edge needs to know. `public_url` has no trailing slash.

    `token_keys`: the folder with the keys that sign access tokens, the same for every process. `providers`:
    by whom people may sign in. `listed_items_only`: refuse deposits of service items that the catalogue does
    not have. `destinations`: where webhooks may go.
    """

    mode: Mode
    public_url: str
    token_keys: Path
    version: str
    providers: tuple[Provider, ...] = ()
    listed_items_only: bool = False
    destinations: Destinations = PUBLIC_ONLY


class Edge:
    """The running edge: workshop, the hot path's reader, token desk, identity providers and metrics."""

    def __init__(self, workshop: Workshop, reader: PublicReader, settings: EdgeSettings) -> None:
        self.workshop = workshop
        self.reader = reader
        self.settings = settings
        self.metrics = Metrics()
        self.judging = CapacityLimiter(FILES_JUDGED_AT_ONCE)
        self.avoided = AvoidedTally()
        keys = TokenKeys(settings.token_keys, TOKENS_OUTLIVE_KEY)
        self.tokens = TokenDesk(keys, settings.public_url, TOKEN_LIFETIME)
        self.http = new_http()
        self.parties: Mapping[str, RelyingParty] = {
            provider.key: RelyingParty(provider, settings.public_url, self.http)
            for provider in settings.providers
        }

    async def judged(self, content: bytes, at: datetime) -> Verification:
        """What is true of a file: read in a thread, and no more at a time than memory is meant for."""
        return await to_thread.run_sync(partial(by_file, self.workshop, content, at=at), limiter=self.judging)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens what needs an event loop, closes everything at the end."""
        await self.reader.open()
        try:
            yield
        finally:
            await self.reader.close()
            self.workshop.database.close()
            self.http.close()
