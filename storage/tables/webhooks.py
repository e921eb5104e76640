"""Webhooks: where changes are sent to, signed with what, and what became of each delivery."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.tables.columns import metadata, moment

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    # Blind index of the address, which may hold a token of the receiver's.
    Column("url_index", LargeBinary, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: url.
    Column("sealed", LargeBinary, nullable=False),
    moment("created_at"),
    # Deliveries have been cut from the feed up to this place.
    Column("cut_through", BigInteger, nullable=False),
    # Null in rows from before revision 0010, which are of version 1.
    Column("index_version", SmallInteger),
    UniqueConstraint("client_id", "url_index"),
)


webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id"), nullable=False, index=True),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: secret. It signs, so a hash of it would not do.
    Column("sealed", LargeBinary, nullable=False),
    moment("created_at"),
    moment("expires_at", nullable=True),
)


webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id"), nullable=False),
    # What it carries: the changes in these places that the client may see. Read anew for every try.
    Column("after_position", BigInteger, nullable=False),
    Column("through_position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    # Why the last try failed: a token of ours or the receiver's status, never what it said.
    Column("failure", Text),
    moment("created_at"),
    # When the queue has its next try; long past means that the queue has lost it.
    moment("next_try_at"),
    moment("settled_at", nullable=True),
    CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state_known"),
    Index("ix_webhook_deliveries_webhook_id_state", "webhook_id", "state", "settled_at"),
    Index("ix_webhook_deliveries_pending", "next_try_at", postgresql_where=text("state = 'pending'")),
    Index("ix_webhook_deliveries_dead", "settled_at", postgresql_where=text("state = 'dead'")),
    Index("ix_webhook_deliveries_delivered", "settled_at", postgresql_where=text("state = 'delivered'")),
)
