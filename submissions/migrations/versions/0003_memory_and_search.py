"""Translation memory, interpreters' names, what the machine read for themes, and the index of views."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The index holds no text of its own; it reads `view_index`. Triggers keep the two together, also when a
# submission is erased and its row goes with it.
_FTS = (
    """CREATE VIRTUAL TABLE view_index_words USING fts5(
         original, english, content='view_index', content_rowid='id',
         tokenize='porter unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER view_index_insert AFTER INSERT ON view_index BEGIN
         INSERT INTO view_index_words (rowid, original, english) VALUES (new.id, new.original, new.english);
       END""",
    """CREATE TRIGGER view_index_delete AFTER DELETE ON view_index BEGIN
         INSERT INTO view_index_words (view_index_words, rowid, original, english)
         VALUES ('delete', old.id, old.original, old.english);
       END""",
    """CREATE TRIGGER view_index_update AFTER UPDATE OF original, english ON view_index BEGIN
         INSERT INTO view_index_words (view_index_words, rowid, original, english)
         VALUES ('delete', old.id, old.original, old.english);
         INSERT INTO view_index_words (rowid, original, english) VALUES (new.id, new.original, new.english);
       END""",
)
_GIN = """CREATE INDEX ix_view_index_words ON view_index USING gin (
            (to_tsvector('simple', original) || to_tsvector('english', english)))"""


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "view_index",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("english", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("vector_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("group_similarity", sa.Float(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_view_index_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_index")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_view_index_submission_id")),
    )
    op.create_index("ix_view_index_group_id", "view_index", ["group_id"])
    op.create_index("ix_view_index_updated_at", "view_index", ["updated_at"])
    for statement in (_GIN,) if is_postgresql else _FTS:
        op.execute(statement)

    # Plain ADD COLUMN: to rebuild a table on SQLite would delete, by cascade, the rows that refer to it.
    op.add_column("segment", sa.Column("text_sha256", sa.LargeBinary(length=32), nullable=True))
    op.create_index("ix_segment_text_sha256", "segment", ["text_sha256"])
    op.add_column("segment_translation", sa.Column("interpreter", sa.String(length=120), nullable=True))
    op.add_column("segment_translation", sa.Column("memory_of_id", sa.Uuid(), nullable=True))
    op.create_index("ix_segment_translation_memory_of_id", "segment_translation", ["memory_of_id"])
    op.add_column(
        "candidate_theme",
        sa.Column("text_read", sa.String(length=10), nullable=False, server_default="original"),
    )
    op.add_column(
        "candidate_theme",
        sa.Column("is_low_confidence", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _know_old_sentences()


def _know_old_sentences() -> None:
    """What `translation_memory.sentence_key` gives, for the sentences that are there."""
    bind = op.get_bind()
    rows = bind.execute(
        sa.text(
            'SELECT segment.id, segment.start, segment."end", submission_part.original_text '
            "FROM segment JOIN submission_part ON submission_part.id = segment.part_id"
        )
    ).all()
    for identity, start, end, text in rows:
        plain = " ".join(text[start:end].split())
        bind.execute(
            sa.text("UPDATE segment SET text_sha256 = :key WHERE id = :id"),
            {"key": hashlib.sha256(plain.encode()).digest(), "id": identity},
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE view_index_words")
    op.drop_table("view_index")
    op.drop_column("candidate_theme", "is_low_confidence")
    op.drop_column("candidate_theme", "text_read")
    op.drop_index("ix_segment_translation_memory_of_id", "segment_translation")
    op.drop_column("segment_translation", "memory_of_id")
    op.drop_column("segment_translation", "interpreter")
    op.drop_index("ix_segment_text_sha256", "segment")
    op.drop_column("segment", "text_sha256")
