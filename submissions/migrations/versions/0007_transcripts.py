"""What a machine heard in voice notes, and what their speakers said to that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transcript",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("media_file_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("language", sa.String(12), nullable=True),
        sa.Column("language_probability", sa.Float(), nullable=True),
        sa.Column("log_probability", sa.Float(), nullable=True),
        sa.Column("compression_ratio", sa.Float(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("doubt", sa.String(40), nullable=True),
        sa.Column("model_sha256", sa.String(64), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("listened_at", UtcDateTime(), nullable=True),
        sa.Column("listened_by", sa.String(140), nullable=True),
        sa.ForeignKeyConstraint(
            ["media_file_id"],
            ["media_file.id"],
            name=op.f("fk_transcript_media_file_id_media_file"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
            name=op.f("fk_transcript_message_id_message"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript")),
        sa.UniqueConstraint("media_file_id", name=op.f("uq_transcript_media_file_id")),
    )
    op.create_index(op.f("ix_transcript_state"), "transcript", ["state"])


def downgrade() -> None:
    op.drop_table("transcript")
