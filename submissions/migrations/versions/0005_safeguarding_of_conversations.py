"""Safeguarding also of conversations that hold no view. The table was empty in every version before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("safeguarding_case")
    op.create_table(
        "safeguarding_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        *_facts(),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_safeguarding_case_conversation_id_conversation"),
            ondelete="CASCADE",
        ),
        *_rules(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_case")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_safeguarding_case_conversation_id")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_safeguarding_case_submission_id")),
    )


def _facts() -> list[sa.Column]:
    return [
        sa.Column("told_resident", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _rules() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            ["recorded_by_id"],
            ["reviewer.id"],
            name=op.f("fk_safeguarding_case_recorded_by_id_reviewer"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_safeguarding_case_submission_id_submission"),
            ondelete="CASCADE",
        ),
    ]


def downgrade() -> None:
    op.drop_table("safeguarding_case")
    op.create_table(
        "safeguarding_case",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        *_facts(),
        *_rules(),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_safeguarding_case")),
    )
