"""Where a leaf stands in the log, as columns for any query over `log_leaves`."""

from sqlalchemy import Label, func, select

from storage.tables import log_leaves, log_shards


def place_in_log() -> tuple[Label[int | None], Label[str | None]]:
    """The leaf's index in its shard (`log_index`), and the shard's origin (`log_origin`); null before."""
    begun = log_shards.c.first_index <= log_leaves.c.log_index
    first = select(func.max(log_shards.c.first_index)).where(begun).scalar_subquery()
    origin = (
        select(log_shards.c.origin)
        .where(begun)
        .order_by(log_shards.c.first_index.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (log_leaves.c.log_index - first).label("log_index"), origin.label("log_origin")
