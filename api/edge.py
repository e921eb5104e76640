"""What the edge is told at start, and what every request finds in `app.state.edge`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from anyio import CapacityLimiter, to_thread

from api.auth import TokenDesk
from api.logs import Metrics
from storage.public_read import PublicReader
from vault.avoided import AvoidedTally
from vault.model.destinations import Destinations
from vault.model.verdict import Verification
from vault.verify import by_file
from vault.workshop import Workshop

TOKEN_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(hours=8)
# A stranger's file may cost some hundred megabytes while it is read: a process reads so many at a time.
FILES_JUDGED_AT_ONCE = 2
PUBLIC_ONLY = Destinations(https_only=True)


class Mode(StrEnum):
    """Development has sign-in by password and talkative logs; production has neither."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """What the edge needs to know. `public_url` has no trailing slash.

    `token_key_pem`: an EC P-256 private key that signs access tokens, the same in every process;
    `token_key_id` names it in the tokens and the published key set. `listed_items_only`: refuse deposits of
    service items that the catalogue does not have. `destinations`: where webhooks may go.
    """

    mode: Mode
    public_url: str
    token_key_pem: str = field(repr=False)
    token_key_id: str
    version: str
    listed_items_only: bool = False
    destinations: Destinations = PUBLIC_ONLY
    token_lifetime: timedelta = TOKEN_LIFETIME
    session_lifetime: timedelta = SESSION_LIFETIME


class Edge:
    """The running edge: the workshop, the hot path's reader, the token desk and the metrics."""

    def __init__(self, workshop: Workshop, reader: PublicReader, settings: EdgeSettings) -> None:
        self.workshop = workshop
        self.reader = reader
        self.settings = settings
        self.metrics = Metrics()
        self.judging = CapacityLimiter(FILES_JUDGED_AT_ONCE)
        self.avoided = AvoidedTally()
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

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens what needs an event loop, closes everything at the end."""
        await self.reader.open()
        try:
            yield
        finally:
            await self.reader.close()
            self.workshop.database.close()
