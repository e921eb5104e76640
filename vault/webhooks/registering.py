"""Webhooks of a client: registered, listed, given a new secret, taken away."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from storage.changes import last_place
from storage.db import WriteConnection
from storage.webhooks import (
    SigningSecret,
    Webhook,
    WebhookState,
    all_webhooks,
    count_webhooks,
    delete_webhook,
    end_signing_secret,
    find_webhook,
    forget_signing_secrets,
    insert_signing_secret,
    insert_webhook,
    lock_client,
    signing_secrets,
)
from vault.errors import Conflict, FieldProblem, NotFound
from vault.model.access import Action, Kind, Machine, Resource, authorize, not_there
from vault.model.actors import ClientGrant
from vault.model.destinations import Destinations
from vault.model.ids import uuid7
from vault.workshop import Workshop

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - tells people and scanners what it is
# Receivers of one client: a few systems, and their tests.
WEBHOOKS_MAX = 10
# Time for a receiver to take up a new secret; meanwhile both sign. As long as a client's own secrets have.
ROTATION_OVERLAP = timedelta(hours=24)
# The one in use, one whose answer was lost, and the one that was asked for instead.
SECRETS_MAX = 3


Keeper = ClientGrant | Machine
"""Who keeps webhooks: a client its own, the operator at the machine everybody's."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A webhook with its secret at the one moment when it can be read."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registered:
    """A webhook, what became of its deliveries, and its secrets that are good now, newest first."""

    state: WebhookState
    secrets: Sequence[SigningSecret]


def register(
    workshop: Workshop, actor: Keeper, client_id: str, url: str, destinations: Destinations, *, at: datetime
) -> NewSecret:
    """Has a client's changes sent to an address, from now on; what came before is in the feed.

    Raises:
        InputError: the address cannot be one or is not permitted; at `/url`.
        NotFound: there is no such client, or it is disabled.
        NotPermitted: it is another's client.
        Conflict: the client has a webhook for this address, or as many as it may have.
        Unavailable: the database does not answer.
    """
    authorize(actor, Action.KEEP_WEBHOOKS, Resource(Kind.WEBHOOK, by=client_id))
    destinations.read(url)
    with workshop.database.writing() as db:
        if not lock_client(db, client_id):
            raise NotFound(f"There is no enabled client {client_id}.")
        if count_webhooks(db, client_id) >= WEBHOOKS_MAX:
            raise Conflict(f"A client has at most {WEBHOOKS_MAX} webhooks: delete one first.")
        webhook = Webhook(uuid7(at), client_id, url, at, last_place(db))
        if not insert_webhook(db, workshop.keys, webhook):
            sentence = "There is a webhook for this address: rotate its secret if it is lost, or delete it."
            raise Conflict(sentence, FieldProblem("/url", sentence))
        return NewSecret(webhook, _new_secret(db, workshop, webhook.webhook_id, at))


def registered(
    workshop: Workshop, actor: Keeper, client_id: str | None, *, at: datetime
) -> tuple[Registered, ...]:
    """The webhooks of a client; None for everybody's.

    Raises:
        NotPermitted: they are another's.
        Unavailable: the database does not answer.
    """
    authorize(actor, Action.KEEP_WEBHOOKS, Resource(Kind.WEBHOOK, by=client_id))
    with workshop.database.reading() as db:
        states = tuple(all_webhooks(db, workshop.keys, client_id))
        return tuple(
            Registered(each, signing_secrets(db, workshop.keys, each.webhook.webhook_id, at))
            for each in states
        )


def rotate(workshop: Workshop, actor: Keeper, webhook_id: UUID, *, at: datetime) -> NewSecret:
    """A new secret. Those before sign beside it and end after `ROTATION_OVERLAP`.

    Beyond `SECRETS_MAX` the oldest ends at once.

    Raises:
        NotFound: there is no such webhook that this actor keeps.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        webhook = _locked(db, workshop, actor, webhook_id)
        before = signing_secrets(db, workshop.keys, webhook_id, at)
        for kept in before[: SECRETS_MAX - 1]:
            end_signing_secret(db, kept.secret_id, at + ROTATION_OVERLAP)
        forget_signing_secrets(db, [older.secret_id for older in before[SECRETS_MAX - 1 :]])
        return NewSecret(webhook, _new_secret(db, workshop, webhook_id, at))


def unregister(workshop: Workshop, actor: Keeper, webhook_id: UUID) -> None:
    """Takes a webhook away, with its secrets and whatever was not delivered yet.

    Raises:
        NotFound: there is no such webhook that this actor keeps.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        _locked(db, workshop, actor, webhook_id)
        delete_webhook(db, webhook_id)


def _locked(db: WriteConnection, workshop: Workshop, actor: Keeper, webhook_id: UUID) -> Webhook:
    webhook = find_webhook(db, workshop.keys, webhook_id, lock=True)
    if webhook is None:
        raise not_there(Kind.WEBHOOK)
    authorize(actor, Action.CHANGE_WEBHOOK, Resource(Kind.WEBHOOK, by=webhook.client_id))
    return webhook


def _new_secret(db: WriteConnection, workshop: Workshop, webhook_id: UUID, at: datetime) -> str:
    fresh = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    insert_signing_secret(db, workshop.keys, webhook_id, SigningSecret(uuid7(at), fresh, at, None))
    return fresh
