"""What a resident's rights and the published outcomes need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _refers_to(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "earlier_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("original_text", ExactText(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("english", ExactText(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        _refers_to("earlier_text", "submission_id", "submission", "CASCADE"),
        _refers_to("earlier_text", "message_id", "message", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_text")),
    )
    op.create_index(op.f("ix_earlier_text_submission_id"), "earlier_text", ["submission_id"])
    op.create_table(
        "forgetting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gone", sa.JSON(), nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgetting")),
    )
    op.create_index(op.f("ix_forgetting_next_attempt_at"), "forgetting", ["next_attempt_at"])
    op.create_table(
        "hear_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("agreed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        _refers_to("hear_back", "address_id", "address", "CASCADE"),
        _refers_to("hear_back", "conversation_id", "conversation", "SET NULL"),
        _refers_to("hear_back", "message_id", "message", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hear_back")),
        sa.UniqueConstraint("address_id", name="uq_hear_back_address_id"),
    )
    op.create_table(
        "outcome",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("theme_key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("said", ExactText(), nullable=False),
        sa.Column("did", ExactText(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("written_by", sa.String(length=140), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_by", sa.String(length=140), nullable=True),
        sa.Column("published_by", sa.String(length=140), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
        sa.UniqueConstraint("theme_key", "number", name="uq_outcome_number"),
    )
    op.create_index(op.f("ix_outcome_theme_key"), "outcome", ["theme_key"])
    op.create_index(op.f("ix_outcome_state"), "outcome", ["state"])
    op.create_table(
        "outcome_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("said", ExactText(), nullable=False),
        sa.Column("did", ExactText(), nullable=False),
        sa.Column("made_by", sa.String(length=10), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=True),
        sa.Column("quality", sa.Float(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=140), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        _refers_to("outcome_text", "outcome_id", "outcome", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_text")),
        sa.UniqueConstraint("outcome_id", "language", name="uq_outcome_text_language"),
    )
    op.create_table(
        "outcome_announcement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("announced_by", sa.String(length=140), nullable=False),
        sa.Column("announced_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_announcement")),
    )


def downgrade() -> None:
    for table in (
        "outcome_announcement",
        "outcome_text",
        "outcome",
        "hear_back",
        "forgetting",
        "earlier_text",
    ):
        op.drop_table(table)
