"""A reply may be about an offer made in a conversation without a view."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CHECK = "(submission_id IS NULL) <> (offer_id IS NULL)"


def upgrade() -> None:
    with op.batch_alter_table("reply") as batch_op:
        batch_op.alter_column("submission_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.add_column(sa.Column("offer_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_reply_offer_id_offer"), "offer", ["offer_id"], ["message_id"], ondelete="CASCADE"
        )
        batch_op.create_index(batch_op.f("ix_reply_offer_id"), ["offer_id"])
        batch_op.create_check_constraint(batch_op.f("ck_reply_is_about_one"), sa.text(CHECK))


def downgrade() -> None:
    op.execute("DELETE FROM reply WHERE submission_id IS NULL")
    with op.batch_alter_table("reply") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_reply_is_about_one"), type_="check")
        batch_op.drop_index(batch_op.f("ix_reply_offer_id"))
        batch_op.drop_constraint(batch_op.f("fk_reply_offer_id_offer"), type_="foreignkey")
        batch_op.drop_column("offer_id")
        batch_op.alter_column("submission_id", existing_type=sa.Uuid(), nullable=False)
