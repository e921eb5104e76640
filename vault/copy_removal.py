"""Letting usage copies go: a job takes the object away once it is good for nothing."""

from datetime import datetime

from storage.db import WriteConnection
from storage.history import UPKEEP_QUEUE, defer_job

DISCARD_TASK = "discard_copy"


def let_go(db: WriteConnection, name: str, at: datetime) -> None:
    """Lets the worker take a copy's object away at this time, if it is good for nothing by then."""
    defer_job(db, queue=UPKEEP_QUEUE, task=DISCARD_TASK, arguments={"name": name}, at=at)
