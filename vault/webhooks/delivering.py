"""One try of one delivery."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from storage.changes import changes_between
from storage.clients import find_client
from storage.deliveries import DeliveryState, find_delivery, save_delivery
from storage.webhooks import find_webhook, signing_secrets
from vault.changes import audiences_of, change_json, cursor_of, told_to
from vault.webhooks.cutting import CHANGES_MAX, defer_try
from vault.webhooks.sending import Parcel, Send, Undelivered
from vault.webhooks.signature import DELIVERY_HEADER, SIGNATURE_HEADER, WEBHOOK_HEADER, signature
from vault.workshop import Workshop

# 30, 90, 270, 810, 2430 s and then every hour: given up after 24 tries, which is 19 hours.
FIRST_DELAY = timedelta(seconds=30)
DELAY_FACTOR = 3
DELAY_MAX = timedelta(hours=1)
TRIES_MAX = 24

CLIENT_DISABLED = "client-disabled"


class _Moot(Enum):
    """Why there is nothing to send."""

    SETTLED = auto()  # the job came twice or late, or the webhook is gone
    NOTHING_LEFT = auto()  # an authority was taken from the client meanwhile
    CLIENT_GONE = auto()


def deliver(workshop: Workshop, send: Send, delivery_id: UUID, *, at: datetime) -> None:
    """Tries to deliver, and records what came of it.

    1. read the delivery, its changes as its client may see them today, and the live secrets. Where it is
       settled already, the job came twice or late.
    2. sign and send; no transaction is open meanwhile.
    3. in one transaction: delivered; or the next try with its job; or dead, after `TRIES_MAX`.

    A worker killed between 2 and 3 leaves it pending: it is sent again, under the same id.

    Raises:
        Unavailable: the database does not answer; the same job may succeed later.
    """
    failure, tries_max = None, TRIES_MAX
    match _read(workshop, delivery_id, at):  # 1
        case _Moot.SETTLED:
            return
        case _Moot.NOTHING_LEFT:
            pass
        case _Moot.CLIENT_GONE:
            failure, tries_max = CLIENT_DISABLED, 0
        case Parcel() as parcel:
            try:
                send(parcel)  # 2
            except Undelivered as error:
                failure = error.reason
    _record(workshop, delivery_id, failure, tries_max, at)  # 3


def retry_delay(tries: int) -> timedelta:
    """How long to wait after so many tries."""
    exponent = min(tries - 1, 10)  # far beyond where DELAY_MAX rules
    return min(FIRST_DELAY * int(DELAY_FACTOR**exponent), DELAY_MAX)


def _read(workshop: Workshop, delivery_id: UUID, at: datetime) -> Parcel | _Moot:
    with workshop.database.reading() as db:
        delivery = find_delivery(db, delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING:
            return _Moot.SETTLED
        webhook = find_webhook(db, workshop.keys, delivery.webhook_id)
        if webhook is None:
            return _Moot.SETTLED
        client = find_client(db, webhook.client_id)
        if client is None:
            return _Moot.CLIENT_GONE
        news = changes_between(db, delivery.after, delivery.through, audiences_of(client), CHANGES_MAX)
        secrets = signing_secrets(db, workshop.keys, webhook.webhook_id, at)
    changes = told_to(client, news)
    if not changes:
        return _Moot.NOTHING_LEFT
    document = {
        "delivery_id": str(delivery_id),
        "webhook_id": str(webhook.webhook_id),
        "changes": [change_json(change) for change in changes],
        "cursor": cursor_of(changes[-1]),
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        DELIVERY_HEADER: str(delivery_id),
        WEBHOOK_HEADER: str(webhook.webhook_id),
        SIGNATURE_HEADER: signature([each.secret for each in secrets], body, at),
    }
    return Parcel(webhook.url, headers, body)


def _record(workshop: Workshop, delivery_id: UUID, failure: str | None, tries_max: int, at: datetime) -> None:
    with workshop.database.writing() as db:
        delivery = find_delivery(db, delivery_id, lock=True)
        if delivery is None or delivery.state is not DeliveryState.PENDING:
            return
        tried = replace(delivery, tries=delivery.tries + 1, failure=failure)
        if failure is None:
            tried = replace(tried, state=DeliveryState.DELIVERED, settled_at=at)
        elif tried.tries >= tries_max:
            tried = replace(tried, state=DeliveryState.DEAD, settled_at=at)
        else:
            tried = replace(tried, next_try_at=at + retry_delay(tried.tries))
            defer_try(db, delivery_id, tried.next_try_at)
        save_delivery(db, tried)
