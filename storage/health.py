"""What the doctor asks the database: its version and its clock."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from storage.db import ReadConnection


@dataclass(frozen=True, slots=True)
class ServerState:
    """`version` such as "18.6"; `now` by its clock; connections in use, and how many there may be."""

    version: str
    now: datetime
    connections: int
    connections_max: int


def server_state(db: ReadConnection) -> ServerState:
    """Asks the server about itself."""
    row = db.execute(
        text(
            "SELECT current_setting('server_version') AS version, clock_timestamp() AS now,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,"
            " current_setting('max_connections')::int AS connections_max"
        )
    ).one()
    return ServerState(row.version, row.now, row.connections, row.connections_max)
