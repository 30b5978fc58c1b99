"""Stakeholders and contacts with them, offers, files and history of sessions, batches of paper forms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from submissions.models.base import ExactText, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stakeholder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_key", sa.String(200), nullable=False),
        sa.Column("speaks_for", sa.String(200), nullable=False),
        sa.Column("interest", sa.Integer(), nullable=False),
        sa.Column("influence", sa.Integer(), nullable=False),
        sa.Column("manager", sa.String(120), nullable=False),
        sa.Column("team", sa.String(120), nullable=False),
        sa.Column("contact_sealed", sa.Text()),
        sa.Column("notes", ExactText(), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(140), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(140), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stakeholder")),
    )
    op.create_index(op.f("ix_stakeholder_updated_at"), "stakeholder", ["updated_at"])
    op.create_index(op.f("ix_stakeholder_name_key"), "stakeholder", ["name_key"])
    op.create_table(
        "stakeholder_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stakeholder_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("team", sa.String(120), nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("about", ExactText(), nullable=False),
        sa.Column("asked_again_because", ExactText()),
        sa.Column("entered_by", sa.String(140), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stakeholder_id"],
            ["stakeholder.id"],
            name=op.f("fk_stakeholder_contact_stakeholder_id_stakeholder"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stakeholder_contact")),
    )
    op.create_index(op.f("ix_stakeholder_contact_stakeholder_id"), "stakeholder_contact", ["stakeholder_id"])
    op.create_table(
        "stakeholder_session",
        sa.Column("stakeholder_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stakeholder_id"],
            ["stakeholder.id"],
            name=op.f("fk_stakeholder_session_stakeholder_id_stakeholder"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["evidence_session.id"],
            name=op.f("fk_stakeholder_session_session_id_evidence_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stakeholder_id", "session_id", name=op.f("pk_stakeholder_session")),
    )
    op.create_index(op.f("ix_stakeholder_session_session_id"), "stakeholder_session", ["session_id"])
    op.create_table(
        "stakeholder_submission",
        sa.Column("stakeholder_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_stakeholder_submission_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stakeholder_id"],
            ["stakeholder.id"],
            name=op.f("fk_stakeholder_submission_stakeholder_id_stakeholder"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stakeholder_id", "submission_id", name=op.f("pk_stakeholder_submission")),
    )
    op.create_index(
        op.f("ix_stakeholder_submission_submission_id"), "stakeholder_submission", ["submission_id"]
    )
    op.create_table(
        "offer",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("stakeholder_id", sa.Uuid()),
        sa.Column("decided_by", sa.String(140)),
        sa.Column("decided_at", UtcDateTime()),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
            name=op.f("fk_offer_message_id_message"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stakeholder_id"],
            ["stakeholder.id"],
            name=op.f("fk_offer_stakeholder_id_stakeholder"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_state"), "offer", ["state"])
    op.create_index(op.f("ix_offer_found_at"), "offer", ["found_at"])
    op.create_index(op.f("ix_offer_stakeholder_id"), "offer", ["stakeholder_id"])
    op.create_table(
        "session_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(140), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["evidence_session.id"],
            name=op.f("fk_session_change_session_id_evidence_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_change")),
    )
    op.create_index(op.f("ix_session_change_session_id"), "session_change", ["session_id"])
    op.create_table(
        "session_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid()),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("stored_name", sa.String(200), nullable=False),
        sa.Column("added_by", sa.String(140), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["evidence_session.id"],
            name=op.f("fk_session_file_session_id_evidence_session"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_session_file_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_file")),
    )
    op.create_index(op.f("ix_session_file_submission_id"), "session_file", ["submission_id"])
    op.create_index(op.f("ix_session_file_session_id"), "session_file", ["session_id"])
    op.create_table(
        "paper_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary()),
        sa.Column("forms", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.String(140), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(140)),
        sa.Column("confirmed_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_batch")),
        sa.UniqueConstraint("file_sha256", name=op.f("uq_paper_batch_file_sha256")),
    )
    op.create_index(op.f("ix_paper_batch_uploaded_at"), "paper_batch", ["uploaded_at"])
    op.create_table(
        "paper_form",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("form_number", sa.String(40), nullable=False),
        sa.Column("written_on", sa.Date(), nullable=False),
        sa.Column("contributor", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_paper_form_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["paper_batch.id"],
            name=op.f("fk_paper_form_batch_id_paper_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_paper_form")),
        sa.UniqueConstraint("batch_id", "line", name=op.f("uq_paper_form_line")),
    )
    op.create_table(
        "paper_row",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["paper_batch.id"],
            name=op.f("fk_paper_row_batch_id_paper_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_paper_row")),
    )
    op.create_index(op.f("ix_paper_row_batch_id"), "paper_row", ["batch_id"])


def downgrade() -> None:
    for table in (
        "paper_row",
        "paper_form",
        "paper_batch",
        "session_file",
        "session_change",
        "offer",
        "stakeholder_submission",
        "stakeholder_session",
        "stakeholder_contact",
        "stakeholder",
    ):
        op.drop_table(table)
