"""What keeps the list and the search quick at a million views."""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from submissions.models.base import UtcDateTime
from submissions.search_words import words_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A theme counts for a view when a person accepted it, or a machine proposed it and nobody refused it.
# Triggers keep `view_theme` to that, whoever writes the decisions and however.
_STILL_COUNTS = """
    INSERT INTO view_theme (theme_key, submission_id, submitted_at)
    SELECT {row}.theme_key, submission.id, submission.submitted_at FROM submission
    WHERE submission.id = {row}.submission_id AND (
      EXISTS (SELECT 1 FROM theme_assignment AS a WHERE a.submission_id = {row}.submission_id
              AND a.theme_key = {row}.theme_key AND a.decision = 'accepted')
      OR (EXISTS (SELECT 1 FROM candidate_theme AS c WHERE c.submission_id = {row}.submission_id
                  AND c.theme_key = {row}.theme_key)
          AND NOT EXISTS (SELECT 1 FROM theme_assignment AS a WHERE a.submission_id = {row}.submission_id
                          AND a.theme_key = {row}.theme_key AND a.decision = 'refused')))
    ON CONFLICT DO NOTHING;"""
_FORGET = """
    DELETE FROM view_theme
    WHERE submission_id = {row}.submission_id AND theme_key = {row}.theme_key;"""
_WRITERS = ("candidate_theme", "theme_assignment")
_EVENTS = ("INSERT", "UPDATE", "DELETE")

# The index of words reads `view_index`; the marks of Indian and Ethiopian vowels belong to their words.
_WORDS = """CREATE VIRTUAL TABLE view_index_words USING fts5(
         words, content='view_index', content_rowid='id',
         tokenize="porter unicode61 remove_diacritics 0 categories 'L* M* N* Co'")"""
_KEEP_WORDS = (
    """CREATE TRIGGER view_index_insert AFTER INSERT ON view_index BEGIN
         INSERT INTO view_index_words (rowid, words) VALUES (new.id, new.words);
       END""",
    """CREATE TRIGGER view_index_delete AFTER DELETE ON view_index BEGIN
         INSERT INTO view_index_words (view_index_words, rowid, words) VALUES ('delete', old.id, old.words);
       END""",
    """CREATE TRIGGER view_index_update AFTER UPDATE OF words ON view_index BEGIN
         INSERT INTO view_index_words (view_index_words, rowid, words) VALUES ('delete', old.id, old.words);
         INSERT INTO view_index_words (rowid, words) VALUES (new.id, new.words);
       END""",
)
# `words` are cut in Python, alike for both databases, so they do not go through PostgreSQL's parser, which
# takes "and/or" for the path of a file.
_GENERATED = """ALTER TABLE view_index ADD COLUMN view_index_words tsvector GENERATED ALWAYS AS (
         array_to_tsvector(string_to_array(words, ' '))
         || to_tsvector('english', left(english, 200000))) STORED"""
_GIN = "CREATE INDEX ix_view_index_words ON view_index USING gin (view_index_words) WITH (fastupdate = off)"


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "view_theme",
        sa.Column("theme_key", sa.String(length=60), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_view_theme_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("theme_key", "submission_id", name=op.f("pk_view_theme")),
    )
    op.create_index("ix_view_theme_submission_id", "view_theme", ["submission_id"])
    op.create_index("ix_view_theme_order", "view_theme", ["theme_key", "submitted_at", "submission_id"])
    op.execute(
        """INSERT INTO view_theme (theme_key, submission_id, submitted_at)
           SELECT found.theme_key, submission.id, submission.submitted_at FROM (
             SELECT submission_id, theme_key FROM candidate_theme UNION
             SELECT submission_id, theme_key FROM theme_assignment WHERE decision = 'accepted') AS found
           JOIN submission ON submission.id = found.submission_id
           WHERE NOT EXISTS (SELECT 1 FROM theme_assignment AS a
             WHERE a.submission_id = found.submission_id AND a.theme_key = found.theme_key
             AND a.decision = 'refused')"""
    )
    for statement in _theme_triggers(is_postgresql):
        op.execute(statement)
    for column in ("method", "forum_id"):
        op.create_index(f"ix_submission_{column}_submitted_at", "submission", [column, "submitted_at"])
    op.add_column(
        "saved_view", sa.Column("is_default", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _index_words_anew(is_postgresql)


def _theme_triggers(is_postgresql: bool) -> list[str]:
    if is_postgresql:
        body = "".join(
            f"IF TG_OP <> '{but}' THEN {_FORGET.format(row=row)}{_STILL_COUNTS.format(row=row)} END IF;"
            for but, row in (("INSERT", "OLD"), ("DELETE", "NEW"))
        )
        statements = [
            f"CREATE FUNCTION keep_view_theme() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} "
            "RETURN NULL; END $$"
        ]
        statements += [
            f"CREATE TRIGGER keep_view_theme AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION keep_view_theme()"
            for table in _WRITERS
        ]
        statements += [
            "CREATE FUNCTION keep_view_theme_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "UPDATE view_theme SET submitted_at = NEW.submitted_at WHERE submission_id = NEW.id; "
            "RETURN NULL; END $$",
            "CREATE TRIGGER keep_view_theme_time AFTER UPDATE OF submitted_at ON submission FOR EACH ROW "
            "WHEN (OLD.submitted_at IS DISTINCT FROM NEW.submitted_at) "
            "EXECUTE FUNCTION keep_view_theme_time()",
        ]
        return statements
    statements = []
    for table in _WRITERS:
        for event in _EVENTS:
            rows = {"INSERT": ("new",), "DELETE": ("old",), "UPDATE": ("old", "new")}[event]
            body = "".join(_FORGET.format(row=row) + _STILL_COUNTS.format(row=row) for row in rows)
            statements.append(
                f"CREATE TRIGGER keep_view_theme_{table}_{event.lower()} AFTER {event} ON {table} "
                f"BEGIN {body} END"
            )
    statements.append(
        "CREATE TRIGGER keep_view_theme_time AFTER UPDATE OF submitted_at ON submission BEGIN "
        "UPDATE view_theme SET submitted_at = new.submitted_at WHERE submission_id = new.id; END"
    )
    return statements


def _index_words_anew(is_postgresql: bool) -> None:
    """Every sent view gets its row, with its words cut as searches cut them."""
    if is_postgresql:
        op.execute("DROP INDEX ix_view_index_words")
    else:
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER view_index_{name}")
        op.execute("DROP TABLE view_index_words")
    op.add_column("view_index", sa.Column("words", sa.Text(), nullable=False, server_default=""))
    joined = "string_agg" if is_postgresql else "group_concat"
    bind = op.get_bind()
    # In whatever order the parts come: the words are those of all of them.
    bind.execute(
        sa.text(
            f"""INSERT INTO view_index (submission_id, original, english, words, updated_at)
            SELECT part.submission_id, {joined}(part.original_text, ' '), '', '', submission.submitted_at
            FROM submission_part AS part JOIN submission ON submission.id = part.submission_id
            WHERE submission.submitted_at IS NOT NULL AND submission.status NOT IN ('draft', 'withdrawn')
            AND NOT EXISTS (SELECT 1 FROM view_index AS v WHERE v.submission_id = part.submission_id)
            GROUP BY part.submission_id, submission.submitted_at"""  # noqa: S608  constants of this module
        )
    )
    bind.execute(
        sa.text(
            "DELETE FROM view_index "
            "WHERE submission_id IN (SELECT id FROM submission WHERE status = 'withdrawn')"
        )
    )
    last = 0
    while rows := bind.execute(
        sa.text("SELECT id, original, english FROM view_index WHERE id > :last ORDER BY id LIMIT 1000"),
        {"last": last},
    ).all():
        bind.execute(
            sa.text("UPDATE view_index SET words = :words WHERE id = :id"),
            [{"id": row.id, "words": words_of(row.original, row.english)} for row in rows],
        )
        last = rows[-1].id
    if is_postgresql:
        op.execute(_GENERATED)
        op.execute(_GIN)
        return
    op.execute(_WORDS)
    op.execute("INSERT INTO view_index_words (view_index_words) VALUES ('rebuild')")
    for statement in _KEEP_WORDS:
        op.execute(statement)


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        for table in _WRITERS:
            op.execute(f"DROP TRIGGER keep_view_theme ON {table}")
        op.execute("DROP TRIGGER keep_view_theme_time ON submission")
        op.execute("DROP FUNCTION keep_view_theme()")
        op.execute("DROP FUNCTION keep_view_theme_time()")
        op.execute("DROP INDEX ix_view_index_words")
        op.execute("ALTER TABLE view_index DROP COLUMN view_index_words")
    else:
        for table in _WRITERS:
            for event in _EVENTS:
                op.execute(f"DROP TRIGGER keep_view_theme_{table}_{event.lower()}")
        op.execute("DROP TRIGGER keep_view_theme_time")
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER view_index_{name}")
        op.execute("DROP TABLE view_index_words")
    op.drop_column("view_index", "words")
    before = import_module("submissions.migrations.versions.0003_memory_and_search")
    for statement in (before._GIN,) if is_postgresql else before._FTS:
        op.execute(statement)
    if not is_postgresql:
        op.execute("INSERT INTO view_index_words (view_index_words) VALUES ('rebuild')")
    op.drop_column("saved_view", "is_default")
    for column in ("method", "forum_id"):
        op.drop_index(f"ix_submission_{column}_submitted_at", "submission")
    op.drop_table("view_theme")
