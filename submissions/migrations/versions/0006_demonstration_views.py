"""Remember which views are demonstration data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "demonstration_view",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("loaded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_demonstration_view_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demonstration_view")),
        sa.UniqueConstraint("key", name=op.f("uq_demonstration_view_key")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_demonstration_view_submission_id")),
    )


def downgrade() -> None:
    op.drop_table("demonstration_view")
