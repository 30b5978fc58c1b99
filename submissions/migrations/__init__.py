"""Alembic revisions; `submissions.database.migrate()` runs them."""
