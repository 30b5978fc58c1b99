"""The team's summaries of themes, and briefings among the files that run as jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('queued', 'running')")


def _refers_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def _index_of_open(columns: list[str]) -> None:
    op.create_index(
        "uq_export_job_open",
        "export_job",
        columns,
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def upgrade() -> None:
    op.create_table(
        "theme_summary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("theme_key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("writers", sa.JSON(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_by", sa.String(length=140), nullable=True),
        sa.Column("signed_off_by", sa.String(length=140), nullable=True),
        sa.Column("signed_off_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_theme_summary")),
        sa.UniqueConstraint("theme_key", "number", name="uq_theme_summary_number"),
    )
    op.create_index(op.f("ix_theme_summary_theme_key"), "theme_summary", ["theme_key"])
    op.create_table(
        "summary_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("summary_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("text", ExactText(), nullable=False),
        sa.Column("cited", sa.Integer(), nullable=False),
        _refers_to("summary_point", "summary_id", "theme_summary"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summary_point")),
    )
    op.create_index(op.f("ix_summary_point_summary_id"), "summary_point", ["summary_id"])
    op.create_table(
        "point_citation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _refers_to("point_citation", "point_id", "summary_point"),
        _refers_to("point_citation", "submission_id", "submission"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_citation")),
        sa.UniqueConstraint("point_id", "submission_id", name="uq_point_citation"),
    )
    op.create_index(op.f("ix_point_citation_submission_id"), "point_citation", ["submission_id"])
    op.add_column(
        "export_job", sa.Column("theme_key", sa.String(length=60), nullable=False, server_default="")
    )
    op.drop_index("uq_export_job_open", "export_job")
    _index_of_open(["kind", "theme_key"])


def downgrade() -> None:
    # Two briefings that are being made at once would not fit the old index; files are only a day old.
    op.execute("DELETE FROM export_job WHERE theme_key <> ''")
    op.drop_index("uq_export_job_open", "export_job")
    op.drop_column("export_job", "theme_key")
    _index_of_open(["kind"])
    for table in ("point_citation", "summary_point", "theme_summary"):
        op.drop_table(table)
