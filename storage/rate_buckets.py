"""Leaky buckets shared by all processes: one statement a second for each process, whatever it is asked."""

from collections.abc import Mapping

from sqlalchemy import text

from storage.db import WriteConnection

# In the order of the keys: two processes that exchange at once never wait for each other crosswise. The
# server's clock alone counts.
_EXCHANGE = text("""
    INSERT INTO rate_buckets AS held (key, empty_at)
    SELECT spent.key, now() + make_interval(secs => spent.seconds)
    FROM unnest(CAST(:keys AS bytea[]), CAST(:seconds AS float8[])) AS spent(key, seconds)
    ORDER BY spent.key
    ON CONFLICT (key) DO UPDATE SET empty_at = greatest(held.empty_at, now()) + (excluded.empty_at - now())
    RETURNING held.key, CAST(extract(epoch FROM held.empty_at - now()) AS float8) AS seconds
""")
_SWEEP = text("DELETE FROM rate_buckets WHERE empty_at < now()")


def exchange_spent(db: WriteConnection, spent_s: Mapping[bytes, float]) -> dict[bytes, float]:
    """Adds what was spent of each bucket, in seconds of its drain; how full each is now, in the same unit."""
    parameters = {"keys": list(spent_s), "seconds": list(spent_s.values())}
    return {bytes(row.key): row.seconds for row in db.execute(_EXCHANGE, parameters)}


def sweep_drained(db: WriteConnection) -> None:
    """Deletes the buckets that have drained: they say nothing any more."""
    db.execute(_SWEEP)
