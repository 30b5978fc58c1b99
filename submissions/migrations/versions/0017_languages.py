"""The vector of a view's English, by which views are compared across languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


# Not in a batch: that would make the table anew, without the triggers by which its words are searched.
def upgrade() -> None:
    op.add_column("view_index", sa.Column("english_vector", sa.LargeBinary(), nullable=True))
    op.add_column("view_index", sa.Column("english_sha256", sa.LargeBinary(32), nullable=True))


def downgrade() -> None:
    op.drop_column("view_index", "english_sha256")
    op.drop_column("view_index", "english_vector")
