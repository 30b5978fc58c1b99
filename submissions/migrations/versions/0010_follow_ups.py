"""Forums, attendees and follow-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forum",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("code_word", sa.String(length=20), nullable=True),
        sa.Column("code_word_key", sa.String(length=20), nullable=True),
        sa.Column("created_by", sa.String(length=140), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(length=140), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum")),
        sa.UniqueConstraint("code_word_key", name=op.f("uq_forum_code_word_key")),
    )
    op.create_index(op.f("ix_forum_held_on"), "forum", ["held_on"], unique=False)
    op.create_table(
        "conversation_forum",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("forum_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_forum_conversation_id_conversation"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_conversation_forum_forum_id_forum"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversation_forum")),
    )
    op.create_index(op.f("ix_conversation_forum_forum_id"), "conversation_forum", ["forum_id"], unique=False)
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("forum_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("budget_pence", sa.Integer(), nullable=False),
        sa.Column("part_pence", sa.Float(), nullable=True),
        sa.Column("pause_reason", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.String(length=140), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("prepared_by", sa.String(length=140), nullable=True),
        sa.Column("prepared_at", UtcDateTime(), nullable=True),
        sa.Column("approved_by", sa.String(length=140), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_follow_up_forum_id_forum"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
    )
    op.create_index(op.f("ix_follow_up_forum_id"), "follow_up", ["forum_id"], unique=False)
    op.create_index(op.f("ix_follow_up_state"), "follow_up", ["state"], unique=False)
    op.create_table(
        "attendee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("forum_id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("person_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("consented_on", sa.Date(), nullable=False),
        sa.Column("added_by", sa.String(length=140), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_attendee_address_id_address"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forum.id"], name=op.f("fk_attendee_forum_id_forum"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendee")),
        sa.UniqueConstraint("forum_id", "person_hash", name="uq_attendee_person"),
    )
    op.create_index(op.f("ix_attendee_address_id"), "attendee", ["address_id"], unique=False)
    op.create_index(op.f("ix_attendee_person_hash"), "attendee", ["person_hash"], unique=False)
    op.create_table(
        "follow_up_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", ExactText(), nullable=False),
        sa.Column("written_by", sa.String(length=140), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("proof_read_by", sa.String(length=120), nullable=True),
        sa.Column("proof_reading_kept_by", sa.String(length=140), nullable=True),
        sa.Column("proof_read_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["follow_up_id"],
            ["follow_up.id"],
            name=op.f("fk_follow_up_text_follow_up_id_follow_up"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_text")),
        sa.UniqueConstraint("follow_up_id", "language", "version", name="uq_follow_up_text_version"),
    )
    op.create_table(
        "follow_up_recipient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("attendee_id", sa.Uuid(), nullable=True),
        sa.Column("address_id", sa.Uuid(), nullable=True),
        sa.Column("person_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=True),
        sa.Column("sms_parts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("queued_at", UtcDateTime(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("delivery_status", sa.String(length=20), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("opted_out_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["address.id"],
            name=op.f("fk_follow_up_recipient_address_id_address"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["attendee_id"],
            ["attendee.id"],
            name=op.f("fk_follow_up_recipient_attendee_id_attendee"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["follow_up_id"],
            ["follow_up.id"],
            name=op.f("fk_follow_up_recipient_follow_up_id_follow_up"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
            name=op.f("fk_follow_up_recipient_message_id_message"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["text_id"],
            ["follow_up_text.id"],
            name=op.f("fk_follow_up_recipient_text_id_follow_up_text"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_recipient")),
        sa.UniqueConstraint("follow_up_id", "person_hash", name="uq_follow_up_recipient_person"),
        sa.UniqueConstraint("message_id", name=op.f("uq_follow_up_recipient_message_id")),
    )
    op.create_index(
        op.f("ix_follow_up_recipient_address_id"), "follow_up_recipient", ["address_id"], unique=False
    )
    op.create_index(
        "ix_follow_up_recipient_ledger", "follow_up_recipient", ["person_hash", "queued_at"], unique=False
    )
    op.create_index(
        "ix_follow_up_recipient_next", "follow_up_recipient", ["follow_up_id", "state"], unique=False
    )
    if op.get_bind().dialect.name == "sqlite":
        # Alembic would copy the whole table for a foreign key; SQLite takes one with a new column.
        op.execute(
            "ALTER TABLE submission ADD COLUMN forum_id CHAR(32)"
            " CONSTRAINT fk_submission_forum_id_forum REFERENCES forum (id) ON DELETE SET NULL"
        )
    else:
        op.add_column("submission", sa.Column("forum_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            "fk_submission_forum_id_forum", "submission", "forum", ["forum_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index(op.f("ix_submission_forum_id"), "submission", ["forum_id"])


def downgrade() -> None:
    op.drop_index("ix_submission_forum_id", "submission")
    op.drop_column("submission", "forum_id")
    for table in (
        "follow_up_recipient",
        "follow_up_text",
        "attendee",
        "follow_up",
        "conversation_forum",
        "forum",
    ):
        op.drop_table(table)
