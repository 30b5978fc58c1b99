"""What has to be coded again after a change of the codeframe, item by item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import submissions.models.base

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recoding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("codeframe_version", sa.String(length=40), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("theme_key", sa.String(length=60), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("done_by", sa.String(length=140), nullable=True),
        sa.Column("done_at", submissions.models.base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_recoding_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recoding")),
        sa.UniqueConstraint("codeframe_version", "submission_id", "theme_key", "code", name="uq_recoding"),
    )
    op.create_index(op.f("ix_recoding_submission_id"), "recoding", ["submission_id"])


def downgrade() -> None:
    op.drop_table("recoding")
