"""Sealed files raised to a longer-lasting level, and when each is to be looked at again."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables.columns import GIVEN_A_PLACE, WRITTEN_ONCE, metadata, moment

# The file as it was deposited stays in `documents`; each of these has its bytes in front, and more behind
# them.
renditions = Table(
    "renditions",
    metadata,
    Column("certificate_id", Uuid, primary_key=True),
    Column("format", Text, primary_key=True),
    # From 1, each raised from the one before it.
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("sm3", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("level", Text, nullable=False),
    # The seal that was raised: it may be stopped by now, and what it sealed before stays to be proven.
    Column("seal_id", Text, ForeignKey("seals.id"), nullable=False),
    Column("object_name", Text, nullable=False),
    moment("made_at"),
    ForeignKeyConstraint(["certificate_id", "format"], ["documents.certificate_id", "documents.format"]),
    CheckConstraint("number > 0", name="number_from_one"),
    Index("ix_renditions_sha256", "sha256"),
    postgresql_with=WRITTEN_ONCE,
)


# One row a sealed file, written by a trigger on `documents`: no deposit can forget it. Upkeep, not record: no
# foreign key that a deposit would have to pay for.
seal_terms = Table(
    "seal_terms",
    metadata,
    Column("certificate_id", Uuid, primary_key=True),
    Column("format", Text, primary_key=True),
    # Of the newest rendition, and its number; 0 is the file as it was deposited.
    Column("level", Text, nullable=False),
    Column("number", SmallInteger, nullable=False),
    # waiting, resting (until its renewal), failed (an operator has to look), ended (its holders are erased).
    Column("state", Text, nullable=False),
    # When it is next looked at: of those that rest, when the proof of time has to be renewed.
    moment("due_at"),
    # Until when the certificates behind the newest proof of time last; null until somebody looked.
    moment("lasts_until", nullable=True),
    Column("algorithms", ARRAY(Text)),
    Column("tries", SmallInteger, nullable=False),
    # Of them, those that failed for another reason than that an authority did not answer; null is none.
    Column("failed_tries", SmallInteger),
    Column("failure", Text),
    # Since when it waits for a first time-stamp; null where it has one, or where nobody is there to give one.
    moment("untimed_since", nullable=True),
    CheckConstraint("state IN ('waiting', 'resting', 'failed', 'ended')", name="state_known"),
    Index("ix_seal_terms_due_at", "due_at", postgresql_where=text("state IN ('waiting', 'resting')")),
    Index("ix_seal_terms_untimed_since", "untimed_since", postgresql_where=text("untimed_since IS NOT NULL")),
    Index("ix_seal_terms_failure", "due_at", postgresql_where=text("failure IS NOT NULL")),
    Index("ix_seal_terms_failed", "due_at", postgresql_where=text("state = 'failed'")),
    postgresql_with=GIVEN_A_PLACE,
)


# How far all sealed files have been walked through: for terms that those from before revision 0017 lack, and
# for another policy. One row.
seal_term_walk = Table(
    "seal_term_walk",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("walked_through", Uuid),
    Column("done", Boolean, nullable=False),
    # What the calendar was reckoned with; another policy starts the walk anew.
    Column("plan", Text),
    # After what time a new file with a time-stamp is first looked at.
    Column("grace", Interval),
    CheckConstraint("one = 1", name="one_row"),
)
