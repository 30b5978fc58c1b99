"""What is personal: suggested by rules, covered in both texts at once, and unchanged in the record."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import (
    Redaction,
    SegmentTranslation,
    SubmissionPart,
    TranslationStatus,
    utc_now,
)
from submissions.redactions import COVER, cover, suggest
from submissions.review import accounts
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission, segment_ids

ORIGINAL = "Chamo-me Ana Reis e vivo em W2 1JQ. O meu telefone é 07700 900123."
ENGLISH = ["My name is Ana Reis and I live in W2 1JQ.", "My phone is 07700 900123."]


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer(name="Rui Sá")
    return Desk().signed_in()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chamo-me Ana Reis e moro aqui.", [("name", "Ana Reis")]),
        ("my name is fatima, hello", [("name", "fatima")]),
        ("اسمي خديجة وأعيش هنا", [("name", "خديجة")]),
        ("আমার নাম রহিম।", [("name", "রহিম")]),
        ("你好,我叫李明", [("name", "李明")]),
        ("Меня зовут Олена Коваль, живу здесь.", [("name", "Олена Коваль")]),
        ("Ring 020 7946 0018 or +44 7700 900123", [("phone", "020 7946 0018"), ("phone", "+44 7700 900123")]),
        ("Write to ana.reis+x@example.org.", [("email", "ana.reis+x@example.org")]),
        ("I live in SW1E 6QP and near w21jq", [("postcode", "SW1E 6QP"), ("postcode", "w21jq")]),
        ("This is important: 20 families, 2016, £300.", []),
        ("", []),
    ],
)
def test_rules_suggest_what_looks_personal(text, found):
    assert [(one.kind, text[one.start : one.end]) for one in suggest(text)] == found


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5))
def test_covering_removes_exactly_the_characters_of_the_spans(text, spans):
    hidden = {place for start, end in spans for place in range(max(0, start), min(end, len(text)))}
    kept = "".join(character for place, character in enumerate(text) if place not in hidden)
    covered = cover(text.replace("[", "("), spans)
    assert covered.replace(COVER, "") == kept.replace("[", "(")
    assert (COVER in covered) is bool(hidden)


def page_of(reference: str) -> str:
    return f"/desk/submissions/{reference}/redactions"


def keys(desk: Desk, reference: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="line" value="([^"]+)"', desk.get(page_of(reference)).text)))


def redact(desk: Desk, reference: str, line: int = 0, **fields: str):
    asked = {"original": "Ana Reis", "english": "Ana Reis", "kind": "name", "reason": "a name"} | fields
    return desk.post(page_of(reference), page_of(reference), line=keys(desk, reference)[line], **asked)


def test_rules_only_suggest_and_nothing_is_covered_by_itself(desk):
    reference = make_submission(ORIGINAL, english=ENGLISH)
    html = desk.get(page_of(reference)).text
    assert html.count("Suggested:") == 3
    assert 'value="07700 900123"' in html
    with unit_of_work(read_only=True) as db:
        assert db.query(Redaction).count() == 0
    assert "Ana Reis" in desk.get(f"/desk/submissions/{reference}").text


def test_a_redaction_covers_both_texts_everywhere_and_changes_neither(desk):
    reference = make_submission(ORIGINAL, english=ENGLISH)
    assert redact(desk, reference).status_code == 303
    for path in (f"/desk/submissions/{reference}", "/desk", f"/desk/submissions/{reference}/reply"):
        html = desk.get(path).text
        shown = re.sub(r"<textarea.*?</textarea>", "", html, flags=re.DOTALL)  # for correcting it
        assert COVER in shown, path
        assert "Ana Reis" not in shown, path
    token = accounts.create_api_token("reader", "viewer", 1)
    for path in (f"/api/submissions/{reference}", "/api/submissions"):
        answer = desk.client.get(path, headers={"Authorization": f"Bearer {token}"}).text
        assert COVER in answer
        assert "Ana Reis" not in answer
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(SubmissionPart.original_text)).one() == ORIGINAL
        assert ENGLISH[0] in db.scalars(select(SegmentTranslation.text)).all()
        assert db.scalars(select(Redaction)).one().reason == "a name"


def test_a_new_english_that_nobody_marked_yet_does_not_show_it(desk):
    reference = make_submission(ORIGINAL, english=ENGLISH)
    redact(desk, reference)
    for text, shown in (
        ("I am ANA REIS of W2 1JQ.", f"I am {COVER} of W2 1JQ."),
        ("I am Anna, of W2 1JQ.", COVER),  # spelt otherwise: the whole sentence is covered
    ):
        with unit_of_work() as db:
            for row in db.scalars(
                select(SegmentTranslation).where(
                    SegmentTranslation.segment_id == segment_ids(reference)[0], SegmentTranslation.is_current
                )
            ):
                row.is_current = False
            db.add(
                SegmentTranslation(
                    segment_id=segment_ids(reference)[0],
                    source_language="pt",
                    text=text,
                    status=TranslationStatus.MACHINE,
                    created_at=utc_now(),
                )
            )
        html = desk.get(f"/desk/submissions/{reference}").text
        assert f'<bdi class="desk-words">{shown}</bdi>' in html


def test_the_words_must_stand_there_and_have_a_reason_and_both_texts_are_thought_of(desk):
    reference = make_submission(ORIGINAL, english=ENGLISH)
    for fields, words in (
        ({"original": "Maria"}, "exactly as they stand"),
        ({"original": ""}, "exactly as they stand"),
        ({"english": ""}, "say that it is not in it"),
        ({"english": "Anna"}, "say that it is not in it"),
        ({"reason": " "}, "Give a reason"),
        ({"kind": "secret"}, "Choose what kind"),
    ):
        refused = redact(desk, reference, **fields)
        assert refused.status_code == 422
        assert words in refused.text
    with unit_of_work(read_only=True) as db:
        assert db.query(Redaction).count() == 0


def test_what_is_not_in_the_english_leaves_the_english_as_it_is(desk):
    reference = make_submission("Eu, Zé, gosto.", english=["I like it."])
    answer = redact(desk, reference, original="Zé", english="", not_in_english="yes")
    assert answer.status_code == 303
    html = desk.get(f"/desk/submissions/{reference}").text
    assert f"Eu, {COVER}, gosto." in html
    assert "I like it." in html


def test_a_redaction_taken_back_shows_the_words_again_and_stays_in_the_record(desk):
    reference = make_submission(ORIGINAL, english=ENGLISH)
    redact(desk, reference)
    with unit_of_work(read_only=True) as db:
        redaction_id = db.scalars(select(Redaction.id)).one()
    path = f"{page_of(reference)}/{redaction_id}/take-back"
    assert desk.post(path, page_of(reference)).status_code == 303
    assert desk.post(path, page_of(reference)).status_code == 422
    assert "Ana Reis" in desk.get(f"/desk/submissions/{reference}").text
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Redaction.ended_at)).one() is not None


def test_a_view_not_yet_cut_into_sentences_can_be_redacted(desk):
    reference = make_submission("ስሜ ሰላም ነው", language=None)
    with unit_of_work() as db:
        for part in db.merge(find(reference)).parts:
            part.segments.clear()
    assert redact(desk, reference, original="ሰላም", english="").status_code == 303
    assert "ሰላም" not in desk.get(f"/desk/submissions/{reference}").text
