"""What the doctor asks the database: its version, its clock, and what the role that asks may do."""

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


@dataclass(frozen=True, slots=True)
class RoleState:
    """The role of a connection, with what it could do by SET ROLE. `owned`: tables of the schema."""

    name: str
    is_superuser: bool
    bypasses_row_security: bool
    owned: tuple[str, ...]

    @property
    def too_much(self) -> tuple[str, ...]:
        """What the service's role may not be or have, in words."""
        if self.is_superuser:
            return ("it is a superuser, or a member of one",)
        found = []
        if self.bypasses_row_security:
            found.append("it may bypass row security (BYPASSRLS)")
        if self.owned:
            tables = ", ".join(self.owned[:OWNED_NAMED])
            more = "" if len(self.owned) <= OWNED_NAMED else f" and {len(self.owned) - OWNED_NAMED} more"
            found.append(f"it owns tables, or is a member of who does ({tables}{more})")
        return tuple(found)


# A sentence names so many tables; the rest is counted.
OWNED_NAMED = 3
_ROLE = text(
    "SELECT r.rolname, coalesce(bool_or(o.rolsuper), false), coalesce(bool_or(o.rolbypassrls), false),"
    " ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
    " AND c.relkind IN ('r', 'p') AND pg_has_role(r.oid, c.relowner, 'MEMBER') ORDER BY c.relname)"
    " FROM pg_roles r JOIN pg_roles o ON pg_has_role(r.oid, o.oid, 'MEMBER')"
    " WHERE r.rolname = current_user GROUP BY r.oid, r.rolname"
)


def role_state(db: ReadConnection) -> RoleState:
    """As whom this connection came in, and what that role could do."""
    row = db.execute(_ROLE).one()
    return RoleState(row[0], row[1], row[2], tuple(row[3]))
