"""Follow-ups on WhatsApp outside its 24 hours: only wordings it has approved, and nobody dropped in silence.

Against the stand-in, by the official client.
"""

import datetime as dt
import uuid

import pytest
from sqlalchemy import select, update

from channels import follow_ups
from channels.follow_up_templates import WHATSAPP_LANGUAGES, work_on_templates
from channels.simulator.records import StandInApproval, StandInContent
from channels.wording import catalogue_languages
from submissions.database import unit_of_work
from submissions.follow_ups import approval, attendees, preview, results, sending, templates, texts
from submissions.follow_ups.errors import NotNow
from submissions.models import (
    Address,
    DeliveryKind,
    FollowUpTemplate,
    Message,
    TemplateStatus,
    utc_now,
)
from tests.channels.phone import Phone, deliveries, rows
from tests.channels.twilio_in_place import ACCOUNT_SID, TEMPLATE_SID, Failure, TwilioInPlace
from tests.submissions.forums import (
    ANA,
    MAYA,
    PEOPLE,
    approve,
    attendee,
    fingerprint,
    make_follow_up,
    make_forum,
    prepare,
    recipients,
)

NAME = "Queen's Park forum"
POLISH = f"Dziękujemy za udział ({NAME}). Co myślisz?"
ARABIC = f"شكراً لحضوركم ({NAME}). ما رأيكم؟"
BY_HAND = "HX" + "d" * 32


@pytest.fixture(autouse=True)
def in_the_day(monkeypatch):
    follow_ups.install()
    monkeypatch.setattr(sending, "may_text_at", lambda _: True)


@pytest.fixture
def phone(sqlite_database, tmp_path, twilio) -> Phone:
    return Phone(sqlite_database, tmp_path / "data", twilio, whatsapp_reply_templates={"en": TEMPLATE_SID})


def forum_on_whatsapp(**people: str) -> uuid.UUID:
    """With one person of each language on WhatsApp."""
    forum_id = make_forum({})
    with unit_of_work() as db:
        for language, number in people.items():
            attendees.add_one(db, forum_id, attendee(number, language, channel="whatsapp"), actor=ANA)
    return forum_id


def draft(forum_id: uuid.UUID, **words: str) -> uuid.UUID:
    """Ana's follow-up with these texts, proof-read."""
    follow_up_id = make_follow_up(forum_id)
    with unit_of_work() as db:
        follow_up = approval.lock(db, follow_up_id)
        for language, text in words.items():
            version = texts.current_texts(db, follow_up_id)[language].version
            saved = texts.save(db, follow_up, language, text, version=version, actor=ANA)
            texts.keep_proof_reading(
                db, follow_up, language, version=saved.version, reader="A speaker", actor=ANA
            )
    return follow_up_id


def ask(follow_up_id: uuid.UUID) -> int:
    with unit_of_work() as db:
        return templates.ask(db, approval.lock(db, follow_up_id), actor=ANA)


def send(follow_up_id: uuid.UUID, phone: Phone) -> None:
    prepare(follow_up_id)
    approve(follow_up_id)
    follow_ups.work_on_follow_ups()
    phone.send_all()


def previewed(follow_up_id: uuid.UUID) -> dict[str, tuple[int, int, int, str | None]]:
    """By language: as text, by template, not sent; and where WhatsApp is with it."""
    with unit_of_work(read_only=True) as db:
        made = preview.make_preview(db, approval.find(db, follow_up_id))
    return {
        one.language: (
            one.by_text,
            one.by_template,
            one.without_template,
            one.fit.status if one.fit else None,
        )
        for one in made.languages
        if one.people
    }


def look_again_now() -> None:
    with unit_of_work() as db:
        db.execute(update(FollowUpTemplate).values(checked_at=utc_now() - dt.timedelta(hours=2)))


def test_an_approved_wording_goes_out_with_the_forums_name_and_says_exactly_the_text(
    database, tmp_path, twilio
):
    """On SQLite and on PostgreSQL."""
    phone = Phone(database, tmp_path / "data", twilio)
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH)
    assert previewed(follow_up_id) == {"pl": (0, 0, 1, None)}
    assert ask(follow_up_id) == 1
    assert previewed(follow_up_id) == {"pl": (0, 0, 1, "asked")}
    assert work_on_templates(phone.settings) == 1
    [content] = [one for one in twilio.contents.values() if one.sid != TEMPLATE_SID]
    assert content.types == {"twilio/text": {"body": "Dziękujemy za udział ({{1}}). Co myślisz?"}}
    assert (content.language, content.variables) == ("pl", {"1": NAME})
    assert content.approval is not None
    assert content.approval.category == "UTILITY"
    assert previewed(follow_up_id) == {"pl": (0, 1, 0, "approved")}
    send(follow_up_id, phone)
    [message] = twilio.sent
    assert message["body"] == POLISH
    assert message["form"]["ContentSid"] == content.sid
    assert message["form"]["ContentVariables"] == f'{{"1": "{NAME}"}}'
    assert "Body" not in message["form"]
    assert [one.kind for one in deliveries()] == [DeliveryKind.TEMPLATE]
    phone.receive("Więcej światła.", sender=f"whatsapp:{PEOPLE['pl']}")
    results.note_outcomes()
    assert recipients(follow_up_id)["pl"].answered_at is not None


def test_one_approval_serves_the_same_wording_after_the_next_forum(phone, twilio):
    ask(draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH))
    work_on_templates(phone.settings)
    forum_id = make_forum({}, name="Church Street (2)")
    with unit_of_work() as db:
        attendees.add_one(db, forum_id, attendee(PEOPLE["ar"], "pl", channel="whatsapp"), actor=ANA)
    text = POLISH.replace(NAME, "Church Street (2)")
    second = draft(forum_id, pl=text)
    assert previewed(second) == {"pl": (0, 1, 0, "approved")}
    with pytest.raises(NotNow):
        ask(second)
    send(second, phone)
    assert twilio.bodies() == [text]


@pytest.mark.parametrize("status", ["pending", "rejected", "paused"])
def test_without_an_approval_nobody_is_sent_anything_and_everybody_can_see_it(phone, twilio, status):
    twilio.switches.approval = status
    people = {"pl": PEOPLE["pl"], "ar": PEOPLE["ar"]}
    forum_id = forum_on_whatsapp(**people)
    with unit_of_work() as db:
        attendees.add_one(db, forum_id, attendee(PEOPLE["en"], "en"), actor=ANA)
    follow_up_id = draft(forum_id, pl=POLISH, ar=ARABIC)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    found = previewed(follow_up_id)
    assert (found["pl"], found["ar"]) == ((0, 0, 1, status), (0, 0, 1, status))
    with unit_of_work(read_only=True) as db:
        made = preview.make_preview(db, approval.find(db, follow_up_id))
    assert made.left_out == {preview.NO_TEMPLATE: 2}
    assert (made.texted, made.people) == (1, 3)
    reasons = [one.fit.reason for one in made.languages if one.people and one.fit]
    assert all(reasons) is (status == "rejected")
    send(follow_up_id, phone)
    assert [message["form"]["To"] for message in twilio.sent] == [PEOPLE["en"]]
    with unit_of_work(read_only=True) as db:
        assert results.results_of(db, follow_up_id, 4.0).reasons == [(sending.NO_TEMPLATE, 2)]


def test_an_approval_that_comes_or_goes_makes_the_approver_read_again(phone, twilio):
    forum_id = forum_on_whatsapp(pl=PEOPLE["pl"])
    with unit_of_work() as db:
        attendees.add_one(db, forum_id, attendee(PEOPLE["en"], "en"), actor=ANA)
    twilio.switches.approval = "pending"
    follow_up_id = draft(forum_id, pl=POLISH)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    prepare(follow_up_id)
    seen = fingerprint(follow_up_id)
    twilio.switches.approval = "approved"
    look_again_now()
    work_on_templates(phone.settings)
    with unit_of_work() as db, pytest.raises(NotNow, match="has changed"):
        approval.approve(db, follow_up_id, fingerprint=seen, actor=MAYA)
    twilio.switches.approval = "paused"
    look_again_now()
    work_on_templates(phone.settings)
    assert previewed(follow_up_id)["pl"] == (0, 0, 1, "paused")


def test_who_wrote_within_the_24_hours_gets_the_text_itself(phone, twilio):
    forum_id = forum_on_whatsapp(pl=PEOPLE["pl"])
    phone.receive("Dzień dobry", sender=f"whatsapp:{PEOPLE['pl']}")
    follow_up_id = draft(forum_id, pl=POLISH)
    assert previewed(follow_up_id) == {"pl": (1, 0, 0, None)}
    send(follow_up_id, phone)
    assert [message["form"].get("Body") for message in twilio.sent] == [POLISH]


def test_a_window_that_closes_in_the_outbox_ends_it_with_its_reason(phone, twilio):
    forum_id = forum_on_whatsapp(pl=PEOPLE["pl"])
    phone.receive("Dzień dobry", sender=f"whatsapp:{PEOPLE['pl']}")
    follow_up_id = draft(forum_id, pl=POLISH)
    prepare(follow_up_id)
    approve(follow_up_id)
    follow_ups.work_on_follow_ups()
    with unit_of_work() as db:
        db.execute(update(Address).values(last_inbound_at=utc_now() - dt.timedelta(days=2)))
    phone.send_all()
    assert twilio.sent == []  # "you have a reply" neither
    [message] = [one for one in rows(Message) if one.message_key == texts.MESSAGE_KEY]
    assert (message.delivery_status, message.last_error) == ("canceled", sending.NO_TEMPLATE)
    with unit_of_work(read_only=True) as db:
        found = results.results_of(db, follow_up_id, 4.0)
    assert (found.reasons, found.total.passed_over) == ([(sending.NO_TEMPLATE, 1)], 1)


def test_free_text_that_whatsapp_refuses_for_its_window_goes_as_the_template(phone, twilio):
    forum_id = forum_on_whatsapp(pl=PEOPLE["pl"])
    phone.receive("Dzień dobry", sender=f"whatsapp:{PEOPLE['pl']}")
    follow_up_id = draft(forum_id, pl=POLISH)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    twilio.failures = [Failure(400, 63016)]
    send(follow_up_id, phone)
    assert twilio.bodies() == [POLISH]
    assert "ContentSid" in twilio.sent[0]["form"]
    assert [(one.kind, one.attempts) for one in deliveries()] == [(DeliveryKind.TEMPLATE, 2)]


def test_a_template_that_whatsapp_refuses_is_not_sent_again_and_again(phone, twilio):
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    twilio.failures = [Failure(400, 63016) for _ in range(5)]
    send(follow_up_id, phone)
    assert twilio.sent == []
    assert len(twilio.failures) == 4
    [message] = [one for one in rows(Message) if one.message_key == texts.MESSAGE_KEY]
    assert message.delivery_status == "failed"
    assert "63016" in (message.last_error or "")


def test_a_template_whose_answer_was_lost_is_found_again_and_sent_once(phone, twilio):
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    twilio.failures = [Failure(0, accepts=True)]
    send(follow_up_id, phone)
    phone.worker.look_up_doubtful()
    phone.send_all()
    assert twilio.bodies() == [POLISH]
    assert [one.status for one in deliveries()] == ["sent"]


def test_wordings_approved_by_hand_serve_texts_they_can_say_word_for_word(sqlite_database, tmp_path, twilio):
    body = "Thank you for coming to {{1}}. The commission asks: {{2}} Please answer here."
    twilio.contents[BY_HAND] = StandInContent(
        BY_HAND,
        ACCOUNT_SID,
        "by_hand",
        "en",
        {"1": "a forum", "2": "a question"},
        {"twilio/text": {"body": body}},
        StandInApproval("by_hand", "UTILITY", "approved"),
    )
    unknown = "HX" + "f" * 32
    phone = Phone(
        sqlite_database,
        tmp_path / "data",
        twilio,
        whatsapp_follow_up_templates={"en": BY_HAND, "pl": unknown},
    )
    for _ in range(2):
        work_on_templates(phone.settings)
    [row] = rows(FollowUpTemplate)
    assert (row.language, row.body, row.status) == ("en", body, TemplateStatus.APPROVED)
    text = f"Thank you for coming to {NAME}. The commission asks: what would help? Please answer here."
    follow_up_id = draft(forum_on_whatsapp(en=PEOPLE["en"]), en=text)
    assert previewed(follow_up_id) == {"en": (0, 1, 0, "approved")}
    send(follow_up_id, phone)
    assert twilio.bodies() == [text]


@pytest.mark.parametrize(
    ("body", "text", "variables"),
    [
        ("Hi ({{1}}). Yes?", "Hi (Park). Yes?", {"1": "Park"}),
        ("Hi ({{1}}). Yes?", "Hi (Park). No?", None),
        ("Hi ({{1}}). Yes?", "Hi (). Yes?", None),
        ("Hi ({{1}}). Yes?", "Hi (a\nb). Yes?", None),
        ("Hi ({{1}}). Yes?", "Hi (a    b). Yes?", None),
        ("Hi ({{1}}). Yes?", f"Hi ({'a' * 301}). Yes?", None),
        ("Hi.*", "Hi.*", {}),
        ("Hi.*", "Hi, you", None),
        ("{{1}} {{1}}", "a a", None),
        ("a{{1}}b{{2}}c{{3}}d{{4}}e", "a1b2c3d4e", None),
    ],
)
def test_what_stands_for_the_variables_makes_exactly_the_text(body, text, variables):
    assert templates.variables_for(body, text) == variables


def test_a_name_that_begins_or_ends_the_text_is_no_variable():
    for text in (f"{NAME}: thank you", f"Thank you, {NAME}", f"{NAME} {NAME} {NAME}", "Thank you"):
        assert templates.make_body(text, NAME) == (text, {})


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_whatsapp_may_be_asked_for_the_kept_invitation_in_every_language(phone, twilio, language):
    text = follow_ups.default_wording(language, NAME) or ""
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=text)
    ask(follow_up_id)
    with unit_of_work() as db:
        db.execute(update(FollowUpTemplate).values(language=language))
    work_on_templates(phone.settings)
    [row] = rows(FollowUpTemplate)
    assert (row.status, row.reason) == (TemplateStatus.APPROVED, None)
    assert "{{1}}" in row.body
    made = twilio.contents[row.content_sid]
    assert made.language == WHATSAPP_LANGUAGES.get(language, language)


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Failure(503), TemplateStatus.ASKED), (Failure(400, 92001), TemplateStatus.REJECTED)],
)
def test_trouble_on_the_way_is_shown_and_tried_again(phone, twilio, monkeypatch, failure, status):
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH)
    ask(follow_up_id)
    make = TwilioInPlace.create_content
    monkeypatch.setattr(TwilioInPlace, "create_content", lambda self, body: self._fail(failure))
    work_on_templates(phone.settings)
    [row] = rows(FollowUpTemplate)
    assert (row.status, row.content_sid) == (status, None)
    assert row.reason
    assert previewed(follow_up_id)["pl"] == (0, 0, 1, status)
    monkeypatch.setattr(TwilioInPlace, "create_content", make)
    assert work_on_templates(phone.settings) == 0  # not at once
    look_again_now()
    work_on_templates(phone.settings)
    assert rows(FollowUpTemplate)[0].status == TemplateStatus.APPROVED


def test_a_crash_after_asking_whatsapp_does_not_ask_twice(phone, twilio, monkeypatch):
    ask(draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH))
    keep = templates.note_status
    monkeypatch.setattr(templates, "note_status", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        work_on_templates(phone.settings)
    monkeypatch.setattr(templates, "note_status", keep)
    work_on_templates(phone.settings)
    assert len([one for one in twilio.contents.values() if one.sid != TEMPLATE_SID]) == 1
    assert rows(FollowUpTemplate)[0].status == TemplateStatus.APPROVED


def test_a_wording_that_is_gone_at_the_carrier_is_put_before_whatsapp_again(phone, twilio):
    follow_up_id = draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH)
    ask(follow_up_id)
    work_on_templates(phone.settings)
    first = rows(FollowUpTemplate)[0].content_sid
    del twilio.contents[first]
    look_again_now()
    work_on_templates(phone.settings)
    assert previewed(follow_up_id)["pl"] == (0, 0, 1, "asked")
    work_on_templates(phone.settings)
    assert previewed(follow_up_id)["pl"] == (0, 1, 0, "approved")
    second = rows(FollowUpTemplate)[0].content_sid
    assert second != first
    del twilio.contents[second]  # and at the moment of sending
    send(follow_up_id, phone)
    assert twilio.sent == []
    with unit_of_work() as db:
        db.execute(update(Message).values(next_attempt_at=None))
    phone.send_all()
    [message] = [one for one in rows(Message) if one.message_key == texts.MESSAGE_KEY]
    assert (message.delivery_status, message.last_error) == ("canceled", sending.NO_TEMPLATE)
    assert rows(FollowUpTemplate)[0].status == TemplateStatus.ASKED


def test_nobody_is_asked_about_before_it_is_proof_read_or_for_text_messages(phone, twilio):
    by_sms = make_follow_up(make_forum({"pl": PEOPLE["pl"]}))
    unread = make_follow_up(forum_on_whatsapp(ar=PEOPLE["ar"]), proof_read=False)
    for follow_up_id in (by_sms, unread):
        with pytest.raises(NotNow):
            ask(follow_up_id)
    assert rows(FollowUpTemplate) == []


def test_without_an_account_what_was_asked_waits(sqlite_database, tmp_path, twilio):
    phone = Phone(sqlite_database, tmp_path / "data", twilio, twilio_account_sid="")
    ask(draft(forum_on_whatsapp(pl=PEOPLE["pl"]), pl=POLISH))
    assert work_on_templates(phone.settings) == 0
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(FollowUpTemplate.status)).all() == [TemplateStatus.ASKED]
