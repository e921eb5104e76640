"""Alembic's entry: runs the versions on the connection that `migrations.run` hands over."""

from alembic import context

from storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    transaction_per_migration=True,
    # procrastinate's own tables come with its schema, not with our metadata; parts are their table's.
    include_name=lambda name, kind, _: (
        kind != "table" or not str(name).startswith(("procrastinate_", "audit_events_p"))
    ),
)
with context.begin_transaction():
    context.run_migrations()
