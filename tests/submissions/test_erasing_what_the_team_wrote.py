"""What the team wrote: gone once it is removed, and named where it quotes a view that is erased."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from submissions import evidence_sessions, forgetting, intake, outcomes, session_files, stakeholders
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.media import MediaStore
from submissions.models import AnalystNote, Outcome, Role, SummaryPoint, ThemeSummary
from tests.submissions.desk_site import Desk, make_reviewer, make_submission
from tests.submissions.test_erasure import FACTS, a_canary_of_this_test, canary, left_of, plant, stores
from tests.submissions.test_retention import tables_with

__all__ = ["a_canary_of_this_test", "stores"]  # fixtures


def _with_stakeholder(word: str, folder: Path) -> tuple[str, dict[str, str]]:
    facts = stakeholders.Facts(
        name=f"Centre {word}", interest=3, influence=3, notes=f"Told us {word}", contact=f"{word}@example.org"
    )
    asked = stakeholders.Contact("asked", dt.date(2016, 7, 1), "Housing", "B. Osei", f"About {word}")
    with unit_of_work() as db:
        made = stakeholders.add(db, facts, actor="reviewer:ana")
        stakeholders.note_contact(db, made.id, asked, actor="reviewer:ana")
    return f"/desk/stakeholders/{made.id}/remove", {"is_wanted": "yes"}


def _with_session(word: str, folder: Path) -> tuple[str, dict[str, str]]:
    """A session with notes that were changed, and a file that belongs to it and to no contribution."""
    with unit_of_work() as db:
        session_id = evidence_sessions.add(db, replace(FACTS, notes=word), actor="reviewer:ana").id
    with unit_of_work() as db:
        facts = replace(FACTS, place=f"Hall {word}")
        evidence_sessions.change(db, session_id, facts, version=1, actor="reviewer:ana")
    content = b"%PDF-1.7 " + word.encode()
    session_files.attach(MediaStore(folder), session_id, f"{word}.pdf", content, actor="reviewer:ana")
    return f"/desk/evidence-sessions/{session_id}/remove", {}


def _with_outcome(word: str, folder: Path) -> tuple[str, dict[str, str]]:
    outcome_id = outcomes.save("reviewer:ana", "other", f"Somebody said {word}", "We listened.")
    outcomes.set_text("reviewer:ana", outcome_id, "pt", f"Disseram {word}", "Ouvimos.")
    outcomes.propose("reviewer:ana", outcome_id)
    with unit_of_work(read_only=True) as db:
        version = db.get_one(Outcome, outcome_id).version
    outcomes.publish("reviewer:ben", outcome_id, version=version)
    here = f"/desk/outcomes/other/{outcome_id}"
    make_reviewer("max", Role.MANAGER, "Max")
    desk = Desk().signed_in("max")
    assert "Take it off the page first" in desk.post(f"{here}/deletion", "/desk/outcomes/other").text
    assert desk.post(f"{here}/retirement", "/desk/outcomes/other").status_code == 303
    return f"{here}/deletion", {}


@pytest.mark.slow
@pytest.mark.parametrize("plant_by", [_with_stakeholder, _with_session, _with_outcome])
def test_what_the_team_wrote_down_is_gone_everywhere_once_it_is_removed(database, stores, tmp_path, plant_by):
    reference = plant("web_form", tmp_path)
    word = canary("team")
    url, fields = plant_by(word, tmp_path)
    assert tables_with(word) != []
    make_reviewer("mia", Role.MANAGER, "Mia")
    desk = Desk().signed_in("mia")
    assert desk.post(url, "/desk/account", **fields).status_code == 303
    forgetting.run_due()
    assert left_of(word, database, tmp_path) == []
    assert tables_with(canary("web_form")) != []  # a view is another matter
    assert erase(reference).startswith(reference)


@pytest.mark.slow
def test_erasing_names_where_the_team_quoted_it_and_nothing_else(database, stores):
    english = "The lights in Church Street have been out for weeks."
    reference = make_submission(
        "As luzes da rua estão apagadas há 100% do inverno. Obrigado.", english=[english, "Thank you."]
    )
    other = make_submission("Obrigado.", english=["Thank you."])
    with unit_of_work() as db:
        made = stakeholders.add(
            db,
            stakeholders.Facts(name="Centre", interest=3, influence=3, notes="Nothing."),
            actor="reviewer:a",
        )
        about = "They wrote: As luzes da rua estão apagadas há 100% do inverno!"
        asked = stakeholders.Contact("heard", dt.date(2016, 7, 1), "Housing", "B.", about)
        stakeholders.note_contact(db, made.id, asked, actor="reviewer:a")
        plain = stakeholders.Facts(name="Other", interest=1, influence=1, notes="há 100 do inverno")
        stakeholders.add(db, plain, actor="reviewer:a")
        ids = {one: intake.find_by_reference(db, one).id for one in (reference, other)}
        for one, text in ((reference, english), (other, f"See also: {english}"), (other, "Thank you.")):
            db.add(AnalystNote(submission_id=ids[one], text=text))
        stakeholder_id = made.id
        summary = ThemeSummary(theme_key="safeguarding", number=3)
        summary.points.append(SummaryPoint(position=0, kind="common", text=f"Several say: {english}"))
        db.add(summary)
    outcomes.save("reviewer:a", "other", f"You said: {english}", "New lamps.")
    outcomes.save("reviewer:a", "safeguarding", "Thank you.", "Thank you.")
    said = erase(reference)
    assert said.endswith(
        " Its words are quoted, and stay until somebody removes them there: outcome of other, version 1; "
        f"summary of safeguarding, version 3; stakeholder {stakeholder_id}; note on {other}."
    )
    assert english not in said
    assert "quoted" not in erase(other)
