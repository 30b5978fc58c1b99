"""Roles, second factors, sign-in by the council's own provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _empty_list(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.JSON(), nullable=False, server_default="[]")


def _words(name: str, length: int, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


NEW_COLUMNS: dict[str, list[Callable[[], sa.Column[Any]]]] = {
    "reviewer": [
        lambda: _empty_list("themes"),
        lambda: _empty_list("languages"),
        lambda: sa.Column("totp_secret", sa.String(length=255), nullable=True),
        lambda: sa.Column("totp_confirmed_at", UtcDateTime(), nullable=True),
        lambda: sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        lambda: sa.Column("oidc_issuer", sa.String(length=255), nullable=True),
        lambda: sa.Column("oidc_subject", sa.String(length=255), nullable=True),
    ],
    "desk_session": [
        lambda: _words("browser", 60, ""),
        lambda: _words("way", 20, "password"),
    ],
    "api_token": [
        lambda: sa.Column("revoked_at", UtcDateTime(), nullable=True),
        lambda: _empty_list("themes"),
        lambda: _empty_list("languages"),
    ],
}


def upgrade() -> None:
    for table, columns in NEW_COLUMNS.items():
        for make_column in columns:
            op.add_column(table, make_column())
    op.create_index("ix_reviewer_oidc", "reviewer", ["oidc_issuer", "oidc_subject"], unique=True)
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor", "occurred_at"])
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
            name=op.f("fk_recovery_code_reviewer_id_reviewer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_reviewer_id"), "recovery_code", ["reviewer_id"])
    op.create_table(
        "sign_in_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reviewer_id"],
            ["reviewer.id"],
            name=op.f("fk_sign_in_step_reviewer_id_reviewer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_step")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_sign_in_step_token_sha256")),
    )


def downgrade() -> None:
    op.drop_table("sign_in_step")
    op.drop_table("recovery_code")
    op.drop_index("ix_audit_entry_actor", "audit_entry")
    op.drop_index("ix_reviewer_oidc", "reviewer")
    for table, columns in NEW_COLUMNS.items():
        for make_column in columns:
            op.drop_column(table, make_column().name)
