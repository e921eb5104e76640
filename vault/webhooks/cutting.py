"""Cutting deliveries from the feed: what is new for a webhook, as jobs for the queue."""

from datetime import datetime, timedelta
from uuid import UUID

from storage.changes import changes_between, last_place
from storage.db import WriteConnection
from storage.deliveries import (
    Delivery,
    DeliveryState,
    behind_feed,
    delay_deliveries,
    forget_delivered,
    insert_delivery,
    lock_behind,
    set_cut_through,
    stranded_deliveries,
)
from storage.history import defer_job
from vault.changes import PLACES_MAX, audiences_of, place_changes
from vault.model.ids import uuid7
from vault.workshop import Workshop

# Changes in one delivery: under a hundred kilobytes of JSON.
CHANGES_MAX = 100
# Deliveries of one webhook under way at once. A receiver that is down keeps so many and no more; everything
# else waits in the feed, where it costs nothing.
PENDING_MAX = 20
# Places given out before each cut: more wait for the next one.
PLACING_ROUNDS_MAX = 5
# A try that should have been so long ago is lost: longer than any try and the queue's own recovery take.
STRANDED_AFTER = timedelta(minutes=15)
STRANDED_MAX = 100
# How long it can be seen that a delivery arrived.
DELIVERED_KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 1000

DELIVER_TASK = "deliver_webhook"
FIRST_TRIES_QUEUE = "webhooks"
RETRIES_QUEUE = "webhook-retries"


def cut(workshop: Workshop, *, at: datetime) -> None:
    """One round of the worker; any number of workers may run it at once, and any of them may be killed.

    1. give places to what was committed. 2. for each webhook behind the feed, in a transaction of its own
    that holds its row: the next deliveries, each with its job, and how far the feed has been cut. 3. put back
    into the queue what it has lost. 4. forget what arrived long ago.

    Raises:
        Unavailable: the database does not answer; nothing is lost, the next round goes on.
    """
    for _ in range(PLACING_ROUNDS_MAX):  # 1
        if place_changes(workshop.database) < PLACES_MAX:
            break
    with workshop.database.reading() as db:
        last = last_place(db)
        behind = behind_feed(db, last, PENDING_MAX)
    for webhook_id in behind:  # 2
        with workshop.database.writing() as db:
            _cut_for(db, webhook_id, last, at)
    with workshop.database.writing() as db:
        stranded = stranded_deliveries(db, at - STRANDED_AFTER, STRANDED_MAX)  # 3
        delay_deliveries(db, stranded, at)
        for delivery_id in stranded:
            defer_try(db, delivery_id, at)
        forget_delivered(db, at - DELIVERED_KEPT, FORGOTTEN_AT_ONCE)  # 4


def new_delivery(db: WriteConnection, webhook_id: UUID, after: int, through: int, at: datetime) -> Delivery:
    """A delivery of the changes in these places, with its job."""
    delivery = Delivery(
        uuid7(at),
        webhook_id,
        after,
        through,
        DeliveryState.PENDING,
        0,
        None,
        at,
        next_try_at=at,
        settled_at=None,
    )
    insert_delivery(db, delivery)
    defer_first_try(db, delivery, at)
    return delivery


def defer_first_try(db: WriteConnection, delivery: Delivery, at: datetime) -> None:
    """The job of a first try: one at a time for each webhook, so a slow receiver keeps one hand busy."""
    defer_job(
        db,
        queue=FIRST_TRIES_QUEUE,
        task=DELIVER_TASK,
        arguments={"delivery_id": str(delivery.delivery_id)},
        at=at,
        lock=f"webhook:{delivery.webhook_id}",
    )


def defer_try(db: WriteConnection, delivery_id: UUID, at: datetime) -> None:
    """The job of a later try: in a queue of its own, whose hands may all be busy with receivers that hang."""
    defer_job(
        db,
        queue=RETRIES_QUEUE,
        task=DELIVER_TASK,
        arguments={"delivery_id": str(delivery_id)},
        at=at,
    )


def _cut_for(db: WriteConnection, webhook_id: UUID, last: int, at: datetime) -> None:
    found = lock_behind(db, webhook_id)
    if found is None:
        return
    audiences = audiences_of(found.client)
    cut_through = found.cut_through
    for _ in range(PENDING_MAX - found.pending):
        if cut_through >= last:
            break
        news = changes_between(db, cut_through, last, audiences, CHANGES_MAX)
        through = news[-1].position if len(news) == CHANGES_MAX else last
        if news:
            new_delivery(db, webhook_id, cut_through, through, at)
        cut_through = through
    set_cut_through(db, webhook_id, cut_through)
