"""What comes out of the demonstration: summaries of its views, and outcomes, in every state they may be in.

The words are in `results.jsonl`, one theme a line; each point was written from the views it cites. They
stand in briefings and on the public page, so they are only loaded where there are no residents' views, and
say what they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from submissions import outcomes, summaries
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.demo.loading import READER, must_stand_alone
from submissions.errors import RealViewsThere
from submissions.exports.contributions import is_approved_for
from submissions.models import (
    AuditEntry,
    DemonstrationView,
    Outcome,
    OutcomeState,
    PointKind,
    Side,
    Submission,
    SummaryState,
    ThemeSummary,
)
from submissions.summaries import GivenPoint

RESULTS_FILE = Path(__file__).with_name("results.jsonl")
SIGNER = "reviewer:demonstration-manager"


def load() -> tuple[int, int]:
    """(summaries, outcomes) added: for each theme of the file that the commission has and nothing is written
    about. Beside residents' views nothing is."""
    try:
        must_stand_alone()
    except RealViewsThere:
        return 0, 0
    lines = [json.loads(line) for line in RESULTS_FILE.read_text(encoding="utf-8").splitlines()]
    known = [line for line in lines if line["theme"] in get_commission().theme_keys]
    return (
        sum(_add_summary(line["theme"], line["summary"]) for line in known),
        sum(_add_outcome(line["theme"], line["outcome"]) for line in known),
    )


def remove() -> tuple[int, int]:
    """Takes them out, and says how many there were."""
    with unit_of_work() as db:
        # Whoever went on writing in a draft of the demonstration's has it removed too.
        written = [row.id for row in db.scalars(select(ThemeSummary)) if READER in row.writers]
        published = list(db.scalars(select(Outcome.id).where(Outcome.written_by == READER)))
        db.execute(delete(ThemeSummary).where(ThemeSummary.id.in_(written)))
        db.execute(delete(Outcome).where(Outcome.id.in_(published)))
        db.execute(
            delete(AuditEntry).where(
                AuditEntry.subject_type.in_(["summary", "outcome"]),
                AuditEntry.subject_id.in_([str(one) for one in (*written, *published)]),
            )
        )
    return len(written), len(published)


def _add_summary(theme_key: str, given: dict[str, Any]) -> bool:
    with unit_of_work(read_only=True) as db:
        if summaries.versions_of(db, theme_key):
            return False
    is_begun = False
    for point in given["points"]:
        cited = {reference: side for side in Side for reference in _approved(theme_key, point.get(side, []))}
        needed = {Side.FOR, Side.AGAINST} if point["kind"] == PointKind.CONTESTED else {Side.FOR}
        if not needed <= set(cited.values()):  # not approved in this demonstration
            continue
        summaries.save_point(
            READER,
            theme_key,
            GivenPoint(point["kind"], point["text"], cited),
            version=_open_version(theme_key) if is_begun else None,
        )
        is_begun = True
    if is_begun and given["state"] != SummaryState.DRAFT:
        summaries.propose(READER, theme_key, version=_open_version(theme_key) or 0)
    if is_begun and given["state"] == SummaryState.SIGNED_OFF:
        summaries.sign_off(SIGNER, theme_key, version=_open_version(theme_key) or 0)
    return is_begun


def _approved(theme_key: str, keys: list[str]) -> list[str]:
    """References of those views of the demonstration that may be cited."""
    with unit_of_work(read_only=True) as db:
        rows = db.execute(
            select(DemonstrationView.key, Submission.reference)
            .join(Submission, Submission.id == DemonstrationView.submission_id)
            .where(DemonstrationView.key.in_(keys), is_approved_for(theme_key))
        )
        found = {key: str(reference) for key, reference in rows}
    return [found[key] for key in keys if key in found]


def _open_version(theme_key: str) -> int | None:
    with unit_of_work(read_only=True) as db:
        rows = summaries.versions_of(db, theme_key)
    return next((row.version for row in rows if row.state in summaries.OPEN), None)


def _add_outcome(theme_key: str, given: dict[str, Any]) -> bool:
    with unit_of_work(read_only=True) as db:
        if outcomes.versions_of(db, theme_key):
            return False
    outcome_id = outcomes.save(READER, theme_key, given["said"], given["did"])
    for language, (said, did) in given.get("texts", {}).items():
        if language in get_commission().languages:
            outcomes.set_text(READER, outcome_id, language, said, did)
    if given["state"] != OutcomeState.DRAFT:
        outcomes.propose(READER, outcome_id)
    if given["state"] == OutcomeState.PUBLISHED:
        with unit_of_work(read_only=True) as db:
            version = db.get_one(Outcome, outcome_id).version
        outcomes.publish(SIGNER, outcome_id, version=version)
    return True
