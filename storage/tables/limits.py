"""How much strangers have asked lately. Nothing here survives a crash of the server, and nothing has to."""

from sqlalchemy import Column, LargeBinary, Table

from storage.tables.columns import metadata, moment

rate_buckets = Table(
    "rate_buckets",
    metadata,
    # HMAC of what is limited (an address, a certificate number) and by which rule: never the thing itself.
    Column("key", LargeBinary, primary_key=True),
    # When what was spent will have drained: the whole state of a leaky bucket. Rows behind it are swept.
    moment("empty_at"),
    prefixes=["UNLOGGED"],
)
