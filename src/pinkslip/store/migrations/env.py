"""Alembic's way in. The connection, its transaction and the instant are handed in by `maintenance`."""

from alembic import context

from pinkslip.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter much in place
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
