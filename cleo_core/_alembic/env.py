"""The environment of every store's migrations; :mod:`cleo_core.migrate.runner` configures it."""

from __future__ import annotations

from alembic import context

context.configure(**context.config.attributes["configure"])

with context.begin_transaction():
    context.run_migrations()
