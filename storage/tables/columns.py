"""What all tables share: one set of names for constraints, and how a moment is kept."""

from sqlalchemy import Column, DateTime, MetaData

# For what is written once: frozen and analysed every fiftieth of it, not every fifth and tenth. At 10⁸ rows
# that is every two million (decision 0038).
WRITTEN_ONCE = {"autovacuum_vacuum_insert_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}
# Where each row is updated once, and never in place: what changes is indexed.
GIVEN_A_PLACE = {**WRITTEN_ONCE, "autovacuum_vacuum_scale_factor": "0.05"}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """A time with its zone, to the microsecond."""
    return Column(name, DateTime(timezone=True), nullable=nullable)
