"""Telephone and WhatsApp addresses, opt-outs, media references, and the sending of messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_message_id", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipt")),
        sa.UniqueConstraint("provider_message_id", "status", name="uq_delivery_receipt_provider_message_id"),
    )
    with op.batch_alter_table("delivery_receipt", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_receipt_received_at", ["received_at"], unique=False)

    op.create_table(
        "message_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("shape_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_sid", sa.String(length=60), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
        sa.UniqueConstraint("purpose", "language", "shape_sha256", name="uq_message_template_shape"),
    )
    op.create_table(
        "sending_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=140), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sending_state")),
    )
    op.create_table(
        "address",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("phone_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("user_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("address_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("our_address", sa.String(length=60), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("last_inbound_at", UtcDateTime(), nullable=True),
        sa.Column("window_closed_at", UtcDateTime(), nullable=True),
        sa.Column("template_sent_at", UtcDateTime(), nullable=True),
        sa.Column("stop_asked_at", UtcDateTime(), nullable=True),
        sa.Column("stop_asked_message_id", sa.Uuid(), nullable=True),
        sa.Column("invalid_at", UtcDateTime(), nullable=True),
        sa.Column("invalid_code", sa.String(length=20), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_address_conversation_id_conversation"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("channel", "phone_hash", name="uq_address_phone_hash"),
        sa.UniqueConstraint("channel", "user_hash", name="uq_address_user_hash"),
    )
    op.create_table(
        "conversation_address",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["address.id"],
            name=op.f("fk_conversation_address_address_id_address"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_address_conversation_id_conversation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversation_address")),
    )
    with op.batch_alter_table("conversation_address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_conversation_address_address_id"), ["address_id"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("provider_status", sa.String(length=40), nullable=True),
        sa.Column("provider_message_id", sa.String(length=60), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("sms_parts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_delivery_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", "part", name="uq_delivery_part"),
        sa.UniqueConstraint("provider_message_id", name=op.f("uq_delivery_provider_message_id")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_attempted", ["status", "attempted_at"], unique=False)

    op.create_table(
        "media_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("declared_type", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detected_type", sa.String(length=120), nullable=True),
        sa.Column("byte_count", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("stored_name", sa.String(length=200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_media_file_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_file")),
        sa.UniqueConstraint("message_id", "position", name="uq_media_file_position"),
    )
    with op.batch_alter_table("media_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_media_file_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_media_file_state"), ["state"], unique=False)

    op.create_table(
        "opt_out",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("opted_out_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_way", sa.String(length=20), nullable=True),
        sa.Column("ended_words", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_opt_out_address_id_address"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
    )
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.create_index("ix_opt_out_in_force", ["address_id", "purpose", "ended_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("opt_out", schema=None) as batch_op:
        batch_op.drop_index("ix_opt_out_in_force")

    op.drop_table("opt_out")
    with op.batch_alter_table("media_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_media_file_state"))
        batch_op.drop_index(batch_op.f("ix_media_file_message_id"))

    op.drop_table("media_file")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_attempted")

    op.drop_table("delivery")
    with op.batch_alter_table("conversation_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversation_address_address_id"))

    op.drop_table("conversation_address")
    op.drop_table("address")
    op.drop_table("sending_state")
    op.drop_table("message_template")
    with op.batch_alter_table("delivery_receipt", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_receipt_received_at")

    op.drop_table("delivery_receipt")
