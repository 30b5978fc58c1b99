"""Places, contact cards and reactions as what they are, and follow-ups' wordings that WhatsApp approves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_item",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_shared_item_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_shared_item")),
    )
    op.create_table(
        "follow_up_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(12), nullable=False),
        sa.Column("body", ExactText(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.Column("content_sid", sa.String(60)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(300)),
        sa.Column("asked_by", sa.String(140), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("checked_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_template")),
        sa.UniqueConstraint("content_sid", name=op.f("uq_follow_up_template_content_sid")),
        sa.UniqueConstraint("language", "body_sha256", name="uq_follow_up_template_body"),
    )


def downgrade() -> None:
    op.drop_table("follow_up_template")
    op.drop_table("shared_item")
