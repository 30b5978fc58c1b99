"""Evidence sessions and what was contributed in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("contributors", sa.JSON(), nullable=False),
        sa.Column("lead", sa.String(length=120), nullable=False),
        sa.Column("attended_by", sa.JSON(), nullable=False),
        sa.Column("note_taker", sa.String(length=120), nullable=False),
        sa.Column("interpreter", sa.String(length=120), nullable=False),
        sa.Column("notes", ExactText(), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=140), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(length=140), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_session")),
    )
    op.create_index(op.f("ix_evidence_session_held_on"), "evidence_session", ["held_on"])
    op.create_table(
        "evidence_contribution",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("contributor", sa.Text(), nullable=False),
        sa.Column("was_read_back", sa.Boolean(), nullable=False),
        sa.Column("entered_by", sa.String(length=140), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["evidence_session.id"],
            name=op.f("fk_evidence_contribution_session_id_evidence_session"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_evidence_contribution_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_evidence_contribution")),
    )
    op.create_index(op.f("ix_evidence_contribution_session_id"), "evidence_contribution", ["session_id"])


def downgrade() -> None:
    op.drop_table("evidence_contribution")
    op.drop_table("evidence_session")
