"""What Alembic runs: the connection, with its transaction begun, is handed in by `migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
