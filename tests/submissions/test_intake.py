from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select

from submissions import intake
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.errors import (
    ConsentMissing,
    ConversationNotFound,
    MessageNotFound,
    SubmissionClosed,
    SubmissionNotFound,
)
from submissions.models import (
    AuditEntry,
    Conversation,
    Job,
    JobKind,
    JobStatus,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.references import normalise_reference
from tests.factories import VIEW_AR, VIEW_BN, VIEW_EN, VIEW_PT, make_conversation, make_message, make_view
from tests.submissions.threads import in_threads


def submit(conversation_id: uuid.UUID, message_ids: list[uuid.UUID]) -> tuple[str, bool]:
    with unit_of_work() as db:
        submission, created = intake.submit(db, conversation_id, message_ids)
        return str(submission.reference), created


def agreed_view(*texts: str, **values: object) -> tuple[uuid.UUID, list[uuid.UUID]]:
    return make_view(*texts, consented_at=utc_now(), **values)  # type: ignore[arg-type]


def only_submission() -> Submission:
    with unit_of_work() as db:
        submission = db.scalars(select(Submission)).one()
        for part in submission.parts:
            assert part.segments is not None
        return submission


def test_a_submission_has_the_stored_words_byte_for_byte_with_their_hash(database: str) -> None:
    texts = [VIEW_PT + "  \r\n", "\u202bنص\u202c\x00", "🙂"]
    conversation_id, message_ids = agreed_view(*texts)
    reference, created = submit(conversation_id, message_ids)
    assert created
    assert normalise_reference(reference) == reference
    submission = only_submission()
    assert [part.original_text for part in submission.parts] == texts
    assert [part.original_sha256 for part in submission.parts] == [sha256_of(text) for text in texts]
    assert [part.message_id for part in submission.parts] == message_ids
    assert submission.status == SubmissionStatus.RECEIVED
    assert submission.submitted_at is not None


def test_the_same_ids_give_the_same_submission_from_ten_threads(database: str) -> None:
    conversation_id, message_ids = agreed_view(VIEW_PT, VIEW_AR)
    answers = in_threads(10, lambda _: submit(conversation_id, message_ids))
    assert len({reference for reference, _ in answers}) == 1
    assert sorted(created for _, created in answers) == [False] * 9 + [True]
    assert only_submission().reference == answers[0][0]
    with unit_of_work() as db:
        sent = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "submission.sent")
        assert db.scalar(sent) == 1


def test_a_draft_made_twice_is_one_and_becomes_the_submission(database: str) -> None:
    conversation_id, message_ids = agreed_view()

    def draft(_: int) -> uuid.UUID:
        with unit_of_work() as db:
            return intake.make_draft(db, conversation_id, message_ids).id

    assert len(set(in_threads(6, draft))) == 1
    submission = only_submission()
    assert (submission.status, submission.reference) == (SubmissionStatus.DRAFT, None)
    submit(conversation_id, message_ids)
    assert only_submission().id == submission.id


def test_an_earlier_draft_of_the_same_words_goes_when_the_longer_view_is_sent(database: str) -> None:
    conversation_id, message_ids = agreed_view("um", "dois", "três")
    other = make_message(conversation_id, "outra coisa")
    with unit_of_work() as db:
        intake.make_draft(db, conversation_id, message_ids[:2])
        intake.make_draft(db, conversation_id, [other])
    submit(conversation_id, message_ids)
    with unit_of_work() as db:
        statuses = db.scalars(select(Submission.status).order_by(Submission.status)).all()
    assert statuses == [SubmissionStatus.DRAFT, SubmissionStatus.RECEIVED]


def test_without_consent_nothing_is_sent(database: str) -> None:
    conversation_id, message_ids = make_view()
    with pytest.raises(ConsentMissing):
        submit(conversation_id, message_ids)
    with unit_of_work() as db:
        intake.record_consent(db, conversation_id, message_ids[0], True)
        first = db.get_one(Conversation, conversation_id).consented_at
    with unit_of_work() as db:
        intake.record_consent(db, conversation_id, message_ids[0], True)
        assert db.get_one(Conversation, conversation_id).consented_at == first
    submit(conversation_id, message_ids)
    assert only_submission().consented_at == first
    with unit_of_work() as db:
        intake.record_consent(db, conversation_id, message_ids[0], False)
    later = make_message(conversation_id, "mais")
    with pytest.raises(ConsentMissing):
        submit(conversation_id, [later])


def test_messages_of_others_and_unknown_ones_are_refused(database: str) -> None:
    conversation_id, _ = agreed_view()
    _, others = agreed_view()
    with pytest.raises(MessageNotFound):
        submit(conversation_id, others)
    with pytest.raises(MessageNotFound):
        submit(conversation_id, [uuid.uuid4()])
    with pytest.raises(ConversationNotFound):
        submit(uuid.uuid4(), others)


@pytest.mark.parametrize(
    ("messages", "conversation_language", "expected"),
    [
        ([(VIEW_PT, "pt", 0.9)], "pt", "pt"),
        ([(VIEW_PT, "pt", 0.9), ("ok", "en", 0.4)], "pt", "pt"),
        ([(VIEW_AR, "ar", 0.9)], "en", "ar"),
        ([("ok", None, None)], "so", "so"),
        ([("ok", None, None)], None, None),
        ([("ok", None, None), (VIEW_BN, "bn", None)], None, "bn"),
    ],
)
def test_the_source_language_is_the_words_own_or_unknown(
    database: str,
    messages: list[tuple[str, str | None, float | None]],
    conversation_language: str | None,
    expected: str | None,
) -> None:
    conversation_id = make_conversation(language=conversation_language, consented_at=utc_now())
    ids = [
        make_message(
            conversation_id, text, detected_language=language, detected_language_confidence=confidence
        )
        for text, language, confidence in messages
    ]
    submit(conversation_id, ids)
    submission = only_submission()
    assert submission.source_language == expected
    if messages[0][1] is None and len(messages) == 1:
        assert submission.source_language_confidence is None


def test_sending_queues_translation_and_themes(database: str) -> None:
    conversation_id, message_ids = agreed_view()
    submit(conversation_id, message_ids)
    with unit_of_work() as db:
        jobs = {job.kind: job.status for job in db.scalars(select(Job))}
    assert jobs == {JobKind.TRANSLATE: JobStatus.QUEUED, JobKind.FIND_THEMES: JobStatus.QUEUED}


def test_more_is_added_at_the_end_once_and_an_approved_view_goes_back_to_review(database: str) -> None:
    conversation_id, message_ids = agreed_view("primeiro")
    reference, _ = submit(conversation_id, message_ids)
    with unit_of_work() as db:
        intake.find_by_reference(db, reference).status = SubmissionStatus.APPROVED
    more = make_message(conversation_id, VIEW_AR)

    def add(_: int) -> str | None:
        with unit_of_work() as db:
            return intake.add_to(db, conversation_id, reference.lower().replace("-", " "), [more]).reference

    assert set(in_threads(5, add)) == {reference}
    submission = only_submission()
    assert [part.original_text for part in submission.parts] == ["primeiro", VIEW_AR]
    assert submission.status == SubmissionStatus.IN_REVIEW


def test_a_withdrawn_view_stays_withdrawn(database: str) -> None:
    conversation_id, message_ids = agreed_view()
    reference, _ = submit(conversation_id, message_ids)
    with unit_of_work() as db:
        assert intake.withdraw(db, conversation_id, reference) == "withdrawn"
    with unit_of_work() as db:
        assert intake.withdraw(db, conversation_id, reference) == "already_withdrawn"
        assert intake.withdraw(db, conversation_id, "OW-0000-0000") == "not_found"
        assert intake.withdraw(db, conversation_id, "nonsense") == "not_found"
    assert submit(conversation_id, message_ids) == (reference, False)
    assert only_submission().status == SubmissionStatus.WITHDRAWN
    more = make_message(conversation_id, "mais")
    with pytest.raises(SubmissionClosed), unit_of_work() as db:
        intake.add_to(db, conversation_id, reference, [more])
    with pytest.raises(SubmissionNotFound), unit_of_work() as db:
        intake.add_to(db, conversation_id, "OW-0000-0000", [more])


def test_status_is_of_the_named_views_or_else_of_the_conversation(database: str) -> None:
    conversation_id, message_ids = agreed_view()
    reference, _ = submit(conversation_id, message_ids)
    elsewhere = make_conversation()
    named = make_message(elsewhere, f"e a {reference.lower()}?")
    wrong = make_message(elsewhere, "e a OW-7K3M-92QF?")
    unnamed = make_message(elsewhere, "e então?")
    own = make_message(conversation_id, "e então?")

    def states(conversation: uuid.UUID, message: uuid.UUID) -> list[tuple[str, str]]:
        with unit_of_work(read_only=True) as db:
            return [(one.reference, one.status) for one in intake.status_of(db, conversation, message)]

    assert states(elsewhere, named) == [(reference, "being_translated")]
    assert states(elsewhere, wrong) == []
    assert states(elsewhere, unnamed) == []
    assert states(conversation_id, own) == [(reference, "being_translated")]
    with unit_of_work() as db:
        for job in db.scalars(select(Job)):
            job.status = JobStatus.DONE
    assert states(conversation_id, own) == [(reference, "received")]
    for status in (SubmissionStatus.IN_REVIEW, SubmissionStatus.APPROVED, SubmissionStatus.WITHDRAWN):
        with unit_of_work() as db:
            intake.find_by_reference(db, reference).status = status
        assert states(conversation_id, own) == [(reference, str(status))]


def test_drafts_have_no_status_to_tell(database: str) -> None:
    conversation_id, message_ids = agreed_view()
    with unit_of_work() as db:
        intake.make_draft(db, conversation_id, message_ids)
    with unit_of_work() as db:
        assert intake.status_of(db, conversation_id, message_ids[0]) == []


def test_danger_makes_what_was_sent_and_what_will_be_sent_urgent(database: str) -> None:
    conversation_id, message_ids = agreed_view()
    submit(conversation_id, message_ids)
    danger = make_message(conversation_id, VIEW_EN)
    for _ in range(2):
        with unit_of_work() as db:
            intake.flag_danger(db, conversation_id, danger)
    assert only_submission().is_urgent
    submit(conversation_id, [danger])
    with unit_of_work() as db:
        assert db.scalars(select(Submission.is_urgent)).all() == [True, True]
        entries = (
            select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "conversation.urgent")
        )
        assert db.scalar(entries) == 1


def test_asking_for_a_person_is_kept_once(database: str) -> None:
    conversation_id, message_ids = make_view()
    for _ in range(2):
        with unit_of_work() as db:
            intake.request_human(db, conversation_id, message_ids[0])
    with unit_of_work() as db:
        assert db.get_one(Conversation, conversation_id).human_requested_at is not None
        assert db.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_the_audit_has_no_words_of_residents(database: str) -> None:
    conversation_id, message_ids = agreed_view("palavra secreta")
    reference, _ = submit(conversation_id, message_ids)
    with unit_of_work() as db:
        intake.withdraw(db, conversation_id, reference)
    with unit_of_work() as db:
        entries = db.scalars(select(AuditEntry)).all()
        assert len(entries) == 2
        assert not any("secreta" in str(entry.details) for entry in entries)
