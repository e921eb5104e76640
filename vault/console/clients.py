"""Approval systems: when they were last heard, when what they come in with ends; and their webhooks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.clients import client_files
from storage.deliveries import Delivery, dead_deliveries, delivery_counts
from storage.deposit_tallies import sightings
from vault.model.access import Action, authorize
from vault.model.actors import ClientFile, Person
from vault.model.scope import VAULT
from vault.workshop import Workshop

DEAD_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class ClientLine:
    """`ends_at`: when the last of its secrets and keys ends, None where one has no end.

    `way_in`: whether it has any at all; `authorities`: how many bodies it deposits for.
    """

    client_id: str
    name: str
    authorities: int
    created_at: datetime
    disabled_at: datetime | None
    seen_at: datetime | None
    secrets: int
    keys: int
    ends_at: datetime | None

    @property
    def way_in(self) -> bool:
        """Whether it can come in at all."""
        return self.disabled_at is None and self.secrets + self.keys > 0


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """A webhook without its address, which may hold a token of the receiver's."""

    webhook_id: UUID
    client_id: str
    pending: int
    dead: int
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientsPanel:
    """`dead`: the newest dead letters, each with its client."""

    clients: tuple[ClientLine, ...]
    webhooks: tuple[WebhookLine, ...]
    dead: tuple[tuple[Delivery, str], ...]


def clients_panel(workshop: Workshop, person: Person, *, at: datetime) -> ClientsPanel:
    """Every client and webhook: six statements, however many there are.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    with workshop.database.reading(VAULT) as db:
        files, seen = client_files(db, at), sightings(db)
        webhooks = tuple(WebhookLine(*row) for row in delivery_counts(db))
        dead = dead_deliveries(db, None, DEAD_SHOWN_MAX)
    return ClientsPanel(tuple(_line(file, seen.get(file.grant.client_id)) for file in files), webhooks, dead)


def _line(file: ClientFile, seen_at: datetime | None) -> ClientLine:
    ends = [*file.secret_ends, *(key.expires_at for key in file.keys)]
    known = [end for end in ends if end is not None]
    return ClientLine(
        file.grant.client_id,
        file.grant.name,
        len(file.grant.authorities),
        file.created_at,
        file.disabled_at,
        seen_at,
        len(file.secret_ends),
        len(file.keys),
        max(known) if ends and len(known) == len(ends) else None,
    )
