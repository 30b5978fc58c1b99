"""The codeframe: drafted, signed off, changed, the views then coded again; and sub-codes and evidence."""

import re
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from submissions import codeframes
from submissions.briefings import make_briefing
from submissions.codeframes import CodeframeRefused, State
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import (
    AuditEntry,
    Evidence,
    Recoding,
    Role,
    SubCode,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
)
from submissions.review.coding import marks_of
from tests.submissions.desk_site import Desk, find, hidden, make_reviewer, make_submission, segment_ids

ENGAGEMENT, SAFEGUARDING = "community_engagement", "safeguarding"


class Council:
    """A council that edits its own copy of commission.yml."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = Path("commission.yml").read_text(encoding="utf-8")
        self.changes = 0
        path.write_text(self.text, encoding="utf-8")

    def edit(self, *pairs: tuple[str, str]) -> None:
        for old, new in pairs:
            assert old in self.text, old
            self.text = self.text.replace(old, new, 1)
        self.changes += 1
        # A line more, so that the file counts as changed however coarse its time is.
        self.path.write_text(self.text + f"\n# {self.changes}\n", encoding="utf-8")


@pytest.fixture
def council(database, tmp_path, monkeypatch) -> Council:
    monkeypatch.setenv("OWNWORDS_COMMISSION", str(tmp_path / "commission.yml"))
    return Council(tmp_path / "commission.yml")


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer("maria", Role.MANAGER, "Maria Keeper")
    return Desk().signed_in("maria")


def sign_off(desk: Desk, reason: str = ""):
    html = desk.get("/desk/codeframe").text
    fields = {name: hidden(html, name) for name in ("csrf_token", "sha256")}
    return desk.client.post("/desk/codeframe/sign-off", data={**fields, "reason": reason})


def accept(desk: Desk, reference: str, *themes: str) -> None:
    here = f"/desk/submissions/{reference}"
    answer = desk.post(f"{here}/themes", here, **{f"theme.{key}": "accepted" for key in themes})
    assert answer.status_code == 303


def test_a_codeframe_is_signed_off_once_and_a_file_that_differs_is_not_in_force(council, desk):
    with unit_of_work(read_only=True) as db:
        assert codeframes.standing(db).state == State.DRAFT
    assert sign_off(desk).status_code == 303
    assert "signed off already" in sign_off(desk).text or "Locked since" in desk.get("/desk/codeframe").text
    council.edit(("        name: English classes", "        name: Learning English"))
    page = desk.get("/desk/codeframe").text
    assert "Not in force" in page
    assert "Sub-code with another name" in page
    with unit_of_work(read_only=True) as db, pytest.raises(CodeframeRefused):
        codeframes.must_be_usable(db)
    # Nothing is coded by it, and the same version cannot be signed off again.
    reference = make_submission("Olá.", english=["Hello."])
    accept(desk, reference, "opportunity_empowerment")
    here = f"/desk/submissions/{reference}"
    given = {"of.opportunity_empowerment": "yes", "code.opportunity_empowerment.english_classes": "yes"}
    refused = desk.post(f"{here}/sub-codes", here, **given)
    assert refused.status_code == 422
    assert "not those signed off" in refused.text
    assert sign_off(desk, "because").status_code in (403, 422)
    # A new version needs a reason, and what was read is what is signed.
    council.edit(('version: "2016-1"', 'version: "2016-2"'))
    assert "Say why" in sign_off(desk).text
    html = desk.get("/desk/codeframe").text
    council.edit(("        name: Learning English", "        name: Lessons in English"))
    fields = {name: hidden(html, name) for name in ("csrf_token", "sha256")}
    stale = desk.client.post("/desk/codeframe/sign-off", data={**fields, "reason": "clearer"})
    assert "changed since you read it" in stale.text
    assert sign_off(desk, "clearer").status_code == 303
    with unit_of_work(read_only=True) as db:
        rows = codeframes.signed_versions(db)
        assert [(row.version, row.reason) for row in rows] == [("2016-2", "clearer"), ("2016-1", "")]
        assert rows[0].sha256 == codeframes.hash_of(rows[0].themes)
        assert [entry.actor for entry in db.scalars(
            select(AuditEntry).where(AuditEntry.action == "codeframe.signed_off")
        )] == ["reviewer:maria"] * 2  # fmt: skip


def test_two_who_sign_off_at_once_make_one_version(council):
    refused: list[str] = []
    barrier = threading.Barrier(2)

    def sign() -> None:
        sha256 = codeframes.hash_of(codeframes.themes_of(get_commission()))
        barrier.wait()
        try:
            with unit_of_work() as db:
                codeframes.sign_off(db, sha256=sha256, reason="", actor="reviewer:x", reviewer_id=None)
        except CodeframeRefused as error:
            refused.append(error.reason)

    threads = [threading.Thread(target=sign) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unit_of_work(read_only=True) as db:
        assert len(codeframes.signed_versions(db)) == 1
    assert refused == ["Version 2016-1 has been signed off already."]


def test_after_a_change_each_view_concerned_is_listed_and_somebody_settles_each(council, desk):
    sign_off(desk)
    moved, kept, gone, untouched = (make_submission("Olá.", english=["Hello."]) for _ in range(4))
    for reference in (moved, kept):
        accept(desk, reference, ENGAGEMENT)
    accept(desk, gone, SAFEGUARDING)
    accept(desk, untouched, "identity_faith_values")
    here = f"/desk/submissions/{gone}"
    desk.post(f"{here}/sub-codes", here, **{"of.safeguarding": "yes", "code.safeguarding.gangs_drugs": "yes"})
    council.edit(
        ('version: "2016-1"', 'version: "2016-2"'),
        ("    name: Community Engagement\n", "    name: Engagement\n"),
        ('      - key: gangs_drugs\n        name: "Gangs, knives and drugs"\n', ""),
    )
    assert sign_off(desk, "clearer names").status_code == 303
    with unit_of_work(read_only=True) as db:
        items, progress = codeframes.recoding(db)
        ids = {(row.reference, row.item.code): str(row.item.id) for row in items}
    assert set(ids) == {(moved, ""), (kept, ""), (gone, "gangs_drugs")}
    assert (progress.done, progress.total) == (0, 3)
    page = desk.get("/desk/codeframe/recoding").text
    assert "0 of 3 done" in page
    assert "Gangs, knives and drugs" in page  # by the name it had
    token = hidden(page, "csrf_token")

    def recode(key: tuple[str, str], outcome: str, version: int | None = None):
        at = find(key[0]).version if version is None else version
        data = {"csrf_token": token, "version": str(at), "outcome": outcome}
        return desk.client.post(f"/desk/codeframe/recoding/{ids[key]}", data=data)

    assert recode((gone, "gangs_drugs"), "keep").status_code == 422  # what is gone cannot be kept
    assert recode((kept, ""), "").status_code == 422
    assert recode((kept, ""), "to:no_such_theme").status_code == 422
    assert recode((kept, ""), "keep", version=0).status_code == 409
    assert recode((kept, ""), "keep").status_code == 303
    assert recode((moved, ""), f"to:{SAFEGUARDING}").status_code == 303
    assert recode((gone, "gangs_drugs"), "to:street_safety").status_code == 303
    assert "done this one meanwhile" in recode((kept, ""), "keep").text
    with unit_of_work(read_only=True) as db:
        assert codeframes.recoding(db)[1] == codeframes.Progress(3, 3)
        assert sorted(db.scalars(select(Recoding.outcome))) == ["kept", "moved", "moved"]
        themes = {
            row.submission_id: (row.theme_key, row.codeframe_version)
            for row in db.scalars(select(ThemeAssignment))
        }
        assert themes[find(kept).id] == (ENGAGEMENT, "2016-2")
        assert themes[find(moved).id] == (SAFEGUARDING, "2016-2")
        assert [row.code for row in db.scalars(select(SubCode))] == ["street_safety"]
    assert "3 of 3 done" in desk.get("/desk/codeframe/recoding").text


def test_evidence_is_marked_in_both_texts_and_taken_away_with_its_theme(database, desk):
    reference = make_submission("Olá vizinhos. Adeus.", english=["Hello neighbours.", "Bye."])
    here = f"/desk/submissions/{reference}"
    first = segment_ids(reference)[0]
    early = desk.post(f"{here}/evidence/{first}", here, **{f"evidence.{ENGAGEMENT}": "yes"})
    assert "Accept the theme first" in early.text
    accept(desk, reference, ENGAGEMENT)
    assert desk.post(f"{here}/evidence/{first}", here, **{f"evidence.{ENGAGEMENT}": "yes"}).status_code == 303
    given = {f"of.{ENGAGEMENT}": "yes", f"code.{ENGAGEMENT}.neighbours": "yes"}
    assert desk.post(f"{here}/sub-codes", here, **given).status_code == 303
    html = desk.get(here).text
    assert len(re.findall('<mark class="desk-mark">', html)) == 2  # original and English
    assert "Evidence for Community Engagement" in html
    stranger = make_submission("Olá.", english=["Hello."])
    other = segment_ids(stranger)[0]
    assert "not part of this view" in desk.post(f"{here}/evidence/{other}", here).text
    wrong = {f"of.{ENGAGEMENT}": "yes", f"code.{ENGAGEMENT}.gangs_drugs": "yes"}
    assert "from the list" in desk.post(f"{here}/sub-codes", here, **wrong).text
    late = desk.post(f"{here}/evidence/{first}", here, version="1")
    assert late.status_code == 409
    with unit_of_work(read_only=True) as db:
        marks = marks_of(db, [find(reference).id])[find(reference).id]
    assert marks.evidence == {first: [ENGAGEMENT]}
    assert marks.sub_codes == {ENGAGEMENT: ["neighbours"]}
    desk.post(f"{here}/themes", here, **{f"theme.{ENGAGEMENT}": "refused"})
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Evidence)).all() == []
        assert db.scalars(select(SubCode)).all() == []


def test_an_approved_english_view_can_be_marked_and_stays_approved(sqlite_database, desk):
    reference = make_submission("Keep it open. Please.", language="en")
    accept(desk, reference, ENGAGEMENT)
    here = f"/desk/submissions/{reference}"
    desk.post(f"{here}/status", here, status="approved")
    segment = segment_ids(reference)[0]
    answer = desk.post(f"{here}/evidence/{segment}", here, **{f"evidence.{ENGAGEMENT}": "yes"})
    assert answer.status_code == 303
    assert find(reference).status == SubmissionStatus.APPROVED
    assert '<mark class="desk-mark">' in desk.get(here).text
    with unit_of_work(read_only=True) as db:
        (quote,) = make_briefing(db, ENGAGEMENT).quotes
    assert quote.evidence == [("Keep it open.", "Keep it open.")]
    briefing = desk.get(f"/desk/briefings/{ENGAGEMENT}").text
    assert briefing.index("Marked as evidence") < briefing.index("Keep it open. Please.")
    # The list finds it by its sub-code.
    given = {f"of.{ENGAGEMENT}": "yes", f"code.{ENGAGEMENT}.meeting_places": "yes"}
    assert desk.post(f"{here}/sub-codes", here, **given).status_code == 303
    assert reference in desk.get(f"/desk?status=all&code={ENGAGEMENT}.meeting_places").text
    assert reference not in desk.get(f"/desk?status=all&code={ENGAGEMENT}.neighbours").text
    assert "Choose a sub-code" in desk.get("/desk?code=no.such").text
    # A theme alone is still refused: who approved it read it with its themes.
    refused = desk.post(f"{here}/themes", here, **{f"theme.{SAFEGUARDING}": ThemeDecision.ACCEPTED})
    assert refused.status_code == 422
