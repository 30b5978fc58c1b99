from __future__ import annotations

import uuid

import pytest
from sqlalchemy import delete, select

from submissions import search, similar_views
from submissions.database import unit_of_work
from submissions.models import SegmentTranslation, Submission, ViewIndex
from submissions.themes import find_themes_of_submission
from submissions.translation_jobs import engine_in_use, translate_submission
from tests.submissions.engine import WordListEngine
from tests.submissions.test_translation_memory import send, translations

LIBRARY_AR = "أغلقوا المكتبة في حينا وكان الأطفال يقرؤون فيها كل مساء."
LIBRARY_EN = "They closed the library in our neighbourhood where children read every evening."
CLASSES_BN = "মায়েদের জন্য ইংরেজি ক্লাস খুব কম, আর বাচ্চা রাখার জায়গা নেই।"
KNIVES_PT = "À noite os rapazes andam com facas e ninguém se sente seguro na rua."
RUBBISH_PL = "Śmieci nie zostały odebrane od tygodnia."


def sent(text: str, language: str) -> uuid.UUID:
    with engine_in_use(WordListEngine([])):
        submission_id = send(text, language=language)
        translate_submission(submission_id)
        find_themes_of_submission(submission_id)
    return submission_id


@pytest.fixture
def views(database: str) -> dict[str, uuid.UUID]:
    texts = {"ar": LIBRARY_AR, "bn": CLASSES_BN, "pt": KNIVES_PT, "pl": RUBBISH_PL}
    return {language: sent(text, language) for language, text in texts.items()}


def found(question: str) -> list[uuid.UUID]:
    with unit_of_work(read_only=True) as db:
        return [hit.submission_id for hit in search.find(db, question)]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("closing the library", "ar"),
        ("English lessons for mothers with childcare", "bn"),
        ("young people carrying knives at night", "pt"),
        ("rubbish that is not collected", "pl"),
    ],
)
def test_an_english_question_finds_a_view_in_another_language(
    views: dict[str, uuid.UUID], question: str, language: str
) -> None:
    assert found(question)[0] == views[language]


def test_words_of_the_original_and_of_its_english_are_found(views: dict[str, uuid.UUID]) -> None:
    assert found("Śmieci")[0] == views["pl"]
    with unit_of_work() as db:
        row = db.get_one(SegmentTranslation, translations(views["bn"])[0].id)
        row.text, row.status = "There are too few crèche places in Pimlico.", "corrected"
    find_themes_of_submission(views["bn"])
    with unit_of_work(read_only=True) as db:
        hits = {hit.submission_id: hit for hit in search.find(db, "Pimlico")}
    assert hits[views["bn"]].has_words


def test_what_was_erased_is_found_no_more(views: dict[str, uuid.UUID]) -> None:
    assert views["ar"] in found("closing the library")
    with unit_of_work() as db:
        db.execute(delete(Submission).where(Submission.id == views["ar"]))
    assert views["ar"] not in found("closing the library")
    with unit_of_work(read_only=True) as db:
        assert search.find(db, "المكتبة") == [] or views["ar"] not in found("المكتبة")


@pytest.mark.parametrize(
    "question", ["", "   ", "?!", "\0", "'; DROP TABLE submission; --", '"', "a:* & | !", "NEAR(", "*", "the"]
)
def test_no_question_breaks_the_search(views: dict[str, uuid.UUID], question: str) -> None:
    assert isinstance(found(question), list)
    assert found("closing the library")


def test_both_databases_and_a_fresh_process_find_the_same(views: dict[str, uuid.UUID]) -> None:
    from submissions import vectors

    before = found("closing the library")
    vectors.forget_all()
    assert found("closing the library") == before


def test_views_that_say_the_same_in_two_languages_are_grouped_and_kept(database: str) -> None:
    arabic, english = sent(LIBRARY_AR, "ar"), sent(LIBRARY_EN, "en")
    other = sent(CLASSES_BN, "bn")
    copy = sent(LIBRARY_EN + " Please!", "en")
    with unit_of_work(read_only=True) as db:
        shown, number = similar_views.similar_to(db, english)
        assert number == len(shown) >= 1
        assert copy in {row.submission_id for row in db.scalars(select(ViewIndex)) if row.group_id}
        assert similar_views.similar_to(db, other) == ([], 0)
        assert len(db.scalars(select(Submission)).all()) == 4
        groups = {row.submission_id: row.group_id for row in db.scalars(select(ViewIndex))}
    assert groups[english] == groups[copy]
    assert groups[arabic] is None  # nobody translated it: e5 alone does not tell a translation


LETTER = "Please keep the swimming pool open in winter. Our children learn to swim there."
LETTER_ES = "Por favor, mantengan abierta la piscina en invierno. Nuestros hijos aprenden a nadar allí."
LETTER_SO = "Fadlan barkadda dabaasha ha u furnaato jiilaalka. Carruurteenna ayaa halkaas ku barta dabaasha."
RIVAL_ES = "Por favor, cierren la piscina en invierno. Cuesta demasiado calentarla y nadie va."
ENGLISH = {
    LETTER_ES: "Please keep the pool open in winter. Our children learn to swim there.",
    LETTER_SO: "Let the swimming pool be open in winter, please. It is where our children learn to swim.",
    RIVAL_ES: "Please close the pool in winter. It costs too much to heat it and nobody goes.",
}


def correct(submission_id: uuid.UUID, text: str) -> None:
    """A person writes the English of the whole view, and its themes and its like are found anew."""
    with unit_of_work() as db:
        rows = [db.get_one(SegmentTranslation, one.id) for one in translations(submission_id)]
        for row, english in zip(rows, [text, *[""] * len(rows)], strict=False):
            row.text, row.status = english, "corrected"
    find_themes_of_submission(submission_id)


def test_a_campaign_is_grouped_across_languages_by_its_english(database: str) -> None:
    views = {text: sent(text, language) for text, language in ((LETTER_ES, "es"), (LETTER_SO, "so"))}
    with unit_of_work(read_only=True) as db:
        assert similar_views.similar_to(db, views[LETTER_ES]) == ([], 0)
    rival = sent(RIVAL_ES, "es")
    for text, submission_id in (*views.items(), (RIVAL_ES, rival)):
        correct(submission_id, ENGLISH[text])
    views[LETTER] = sent(LETTER, "en")
    with unit_of_work(read_only=True) as db:
        groups = {row.submission_id: row.group_id for row in db.scalars(select(ViewIndex))}
        shown, number = similar_views.similar_to(db, views[LETTER])
    assert len({groups[view] for view in views.values()}) == 1
    assert groups[views[LETTER]] is not None
    assert groups[rival] is None
    assert (len(shown), number) == (2, 2)
    # Whoever finds that the English was wrong takes it out of the group again; the view stays.
    correct(views[LETTER_SO], "The library should have more books for small children, and longer hours.")
    with unit_of_work(read_only=True) as db:
        assert similar_views.similar_to(db, views[LETTER_SO]) == ([], 0)
        assert similar_views.similar_to(db, views[LETTER])[1] == 1
        assert len(db.scalars(select(Submission)).all()) == 4


def test_short_views_are_never_grouped(database: str) -> None:
    first, second = sent("Thank you.", "en"), sent("Thank you.", "en")
    with unit_of_work(read_only=True) as db:
        assert similar_views.similar_to(db, first) == ([], 0)
        assert similar_views.similar_to(db, second) == ([], 0)


def test_a_view_is_embedded_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from translations import embeddings

    submission_id = sent(CLASSES_BN, "bn")
    calls: list[str] = []
    real = embeddings.embed
    monkeypatch.setattr(embeddings, "embed", lambda texts: (calls.extend(texts), real(texts))[1])
    find_themes_of_submission(submission_id)
    assert calls == []


def test_the_desk_and_the_api_find_by_meaning_and_show_what_the_machine_is_unsure_of(
    views: dict[str, uuid.UUID],
) -> None:
    from submissions.models import CandidateTheme
    from tests.submissions.desk_site import Desk, make_reviewer

    with unit_of_work() as db:
        reference = str(db.get_one(Submission, views["ar"]).reference)
        db.add(
            CandidateTheme(
                submission_id=views["ar"],
                theme_key="other",
                confidence=0.6,
                model="a test, in English",
                codeframe_version="1",
                text_read="english",
                is_low_confidence=True,
            )
        )
    make_reviewer("ana")
    desk = Desk().signed_in()
    html = desk.get("/desk?meaning=closing+the+library&status=all").text
    assert reference in html
    assert desk.get("/desk?meaning=%3F&status=all").status_code == 200
    page = desk.get(f"/desk/submissions/{reference}").text
    assert "the two disagree" in page
    assert "low confidence" in page
