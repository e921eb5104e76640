"""Dead letters, and sending again: one delivery, or a range of the feed."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from storage.changes import changes_between
from storage.clients import find_client
from storage.deliveries import (
    Delivery,
    DeliveryState,
    dead_deliveries,
    find_delivery,
    save_delivery,
    unsettled_counts,
)
from storage.webhooks import find_webhook
from vault.changes import audiences_of, place_of
from vault.errors import Conflict, InputError, NotFound
from vault.webhooks.cutting import CHANGES_MAX, defer_first_try, new_delivery
from vault.workshop import Workshop

DEAD_SHOWN_MAX = 1000
# A hundred thousand changes: who has lost more reads the feed.
REPLAYED_MAX = 1000


def dead_letters(workshop: Workshop, webhook_id: UUID | None) -> tuple[tuple[Delivery, str], ...]:
    """Deliveries that were given up, the newest first, each with the client whose they are.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        return dead_deliveries(db, webhook_id, DEAD_SHOWN_MAX)


def unsettled(workshop: Workshop) -> dict[DeliveryState, int]:
    """How many deliveries are under way and how many were given up.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        return unsettled_counts(db)


def replay(workshop: Workshop, delivery_id: UUID, *, at: datetime) -> None:
    """Sends a delivery once more, under its own id, with all its tries before it.

    Raises:
        NotFound: there is no such delivery (any more: what arrived is forgotten after a month).
        Conflict: it is under way.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        delivery = find_delivery(db, delivery_id, lock=True)
        if delivery is None:
            raise NotFound("There is no such delivery.")
        if delivery.state is DeliveryState.PENDING:
            raise Conflict("This delivery is under way; its next try comes by itself.")
        again = replace(delivery, state=DeliveryState.PENDING, tries=0, next_try_at=at, settled_at=None)
        save_delivery(db, again)
        defer_first_try(db, again, at)


def replay_range(
    workshop: Workshop, webhook_id: UUID, after: str, through: str | None, *, at: datetime
) -> int:
    """Sends what the feed has between two cursors, as new deliveries; how many.

    `through` None: up to where the webhook's own deliveries have been cut.

    Raises:
        InputError: a cursor is none, they are in the wrong order, or it takes more than `REPLAYED_MAX`.
        UnknownCursor: a cursor is not this feed's.
        NotFound: there is no such webhook, or its client is disabled.
        Unavailable: the database does not answer.
    """
    place = place_of(workshop, after)
    end = None if through is None else place_of(workshop, through)
    with workshop.database.writing() as db:
        webhook = find_webhook(db, workshop.keys, webhook_id, lock=True)
        client = None if webhook is None else find_client(db, webhook.client_id)
        if webhook is None or client is None:
            raise NotFound("There is no such webhook of an enabled client.")
        last = webhook.cut_through if end is None else end
        if last < place:
            raise InputError("The range ends before it begins.")
        audiences = audiences_of(client)
        count = 0
        while news := changes_between(db, place, last, audiences, CHANGES_MAX):
            if count == REPLAYED_MAX:
                sentence = f"Expected at most {CHANGES_MAX * REPLAYED_MAX} changes in the range, got more."
                raise InputError(f"{sentence} Take a part of it, or read the feed.")
            new_delivery(db, webhook_id, place, news[-1].position, at)
            place = news[-1].position
            count += 1
    return count
