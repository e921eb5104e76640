"""How much strangers have asked lately. Nothing here survives a crash of the server, and nothing has to."""

from sqlalchemy import Column, Double, LargeBinary, Table

from storage.tables.columns import metadata, moment

rate_buckets = Table(
    "rate_buckets",
    metadata,
    # HMAC of what is limited (an address, a certificate number) and by which rule: never the thing itself.
    Column("key", LargeBinary, primary_key=True),
    # What was spent and has not drained by `at`.
    Column("level", Double, nullable=False),
    moment("at"),
    # When it will have drained: rows behind that time say nothing and are swept.
    moment("empty_at"),
    prefixes=["UNLOGGED"],
)
