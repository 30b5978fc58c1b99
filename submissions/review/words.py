"""The desk's words for what the record holds as keys: statuses, channels, flags, languages, times."""

from __future__ import annotations

import datetime as dt

from submissions.models import Channel, FollowUpState, SubmissionStatus, TranslationStatus, utc_now
from submissions.review.queue import LOCAL_TIME
from translations.languages import LANGUAGES, Language
from translations.quality import EXPLANATIONS

# Word and colour of the tag; colours only help, the word says it.
STATUS_TAGS: dict[str, tuple[str, str]] = {
    SubmissionStatus.RECEIVED: ("Received", "blue"),
    SubmissionStatus.IN_REVIEW: ("In review", "yellow"),
    SubmissionStatus.APPROVED: ("Approved", "green"),
    SubmissionStatus.WITHDRAWN: ("Withdrawn", "grey"),
}

TRANSLATION_TAGS: dict[str, tuple[str, str]] = {
    TranslationStatus.WAITING_FOR_PACKAGE: ("Waiting for a translation", "orange"),
    TranslationStatus.MACHINE: ("Machine translation", "grey"),
    TranslationStatus.NEEDS_PERSON: ("Needs a person", "orange"),
    TranslationStatus.CORRECTED: ("Corrected", "teal"),
    TranslationStatus.APPROVED: ("Approved", "green"),
}

CHANNELS: dict[str, str] = {
    Channel.WEB_CHAT: "Web chat",
    Channel.WEB_FORM: "Web form",
    Channel.SMS: "Text message",
    Channel.WHATSAPP: "WhatsApp",
    Channel.DESK: "Entered by the team",
}

# Why the machine doubts its own translation.
FLAGS: dict[str, str] = EXPLANATIONS | {"crashed": "The translation program failed on this sentence."}

ACTIONS: dict[str, str] = {
    "submission.read": "read it",
    "submission.in_review": "took it into review",
    "submission.reopened": "opened it again for review",
    "submission.approved": "approved it",
    "submission.language_set": "set the language",
    "translation.corrected": "corrected the English of a sentence",
    "translation.returned": "took in what an interpreter translated",
    "translation.confirmed": "confirmed the English of a sentence",
    "theme.accepted": "accepted a theme",
    "theme.refused": "refused a theme",
    "theme.confirmed": "kept a theme by the new codeframe",
    "sub_codes.set": "chose sub-codes of a theme",
    "sub_codes.confirmed": "kept a sub-code by the new codeframe",
    "evidence.marked": "marked a sentence as evidence for a theme",
    "evidence.unmarked": "took a mark of evidence away",
    "coding.resolved": "settled its themes after two people coded it",
    "coding.recoded": "coded it again after a change of the codeframe",
    "coding.saved": "coded a view of a round",
    "coding_round.started": "started a round of coding by two people",
    "coding_round.coder_replaced": "put somebody in the place of a coder",
    "codeframe.signed_off": "signed off the codeframe",
    "theme.cleared": "took back a decision about a theme",
    "submission.urgent": "saw signs of danger and marked it urgent",
    "conversation.urgent": "was told of danger and marked the conversation urgent",
    "human.requested": "asked for a person",
    "opt_out.recorded": "asked for no more messages",
    "opt_out.ended": "asked for messages again",
    "sending.stopped": "stopped all sending",
    "sending.resumed": "let messages be sent again",
    "addresses.deleted": "deleted telephone numbers whose time was over",
    "conversations.deleted": "deleted conversations whose time was over",
    "canned_reply.kept": "kept a reply for use again",
    "canned_reply.translated": "put a kept reply into another language",
    "canned_reply.removed": "removed a kept reply",
    "demonstration.loaded": "loaded the demonstration",
    "demonstration.removed": "removed the demonstration",
    "submission.sent": "sent it",
    "submission.entered": "entered it for the person who contributed it",
    "evidence_session.added": "wrote down an evidence session",
    "evidence_session.changed": "changed the facts of an evidence session",
    "evidence_session.removed": "removed an evidence session that had no contributions",
    "session_file.added": "attached a file to an evidence session",
    "session_file.downloaded": "took away a file of an evidence session",
    "session_file.removed": "removed a file of an evidence session",
    "paper_batch.taken_in": "took in a file of paper forms",
    "stakeholder.added": "wrote down a stakeholder",
    "stakeholder.changed": "changed a stakeholder",
    "stakeholder.removed": "removed a stakeholder",
    "stakeholder.contacted": "wrote down a contact with a stakeholder",
    "stakeholder.asked_again": "wrote down that a stakeholder was asked again soon",
    "stakeholder.linked": "linked a stakeholder to a session or view",
    "stakeholder.unlinked": "took a stakeholder's link away",
    "stakeholders.imported": "took stakeholders in from a file",
    "stakeholders.exported": "took away the list of stakeholders",
    "stakeholders.forgotten": "deleted stakeholders kept for long enough",
    "offer.read": "opened an offer to answer it",
    "offer.accepted": "accepted an offer to contribute",
    "offer.declined": "declined an offer to contribute",
    "forum.added": "wrote down an open forum",
    "forum.changed": "changed the facts of an open forum",
    "attendee.added": "added somebody to a forum's list",
    "attendee.removed": "took somebody off a forum's list",
    "attendees.imported": "took a forum's list in from a file",
    "contacts.looked_up": "looked up what a number was texted",
    "follow_up.added": "began a follow-up",
    "follow_up.text_saved": "saved a text of a follow-up",
    "follow_up.proof_read": "recorded that a speaker has read a text",
    "follow_up.template_asked": "asked WhatsApp to approve texts of a follow-up",
    "follow_up.budget_set": "set the budget of a follow-up",
    "follow_up.prepared": "asked for the approval of a follow-up",
    "follow_up.approved": "approved a follow-up",
    "follow_up.paused": "paused a follow-up",
    "follow_up.resumed": "let a follow-up go on",
    "follow_up.called_off": "called off a follow-up",
    "follow_up.finished": "sent the last text of a follow-up",
    "job.retried": "had a failed job tried again",
    "submission.added_to": "added to it",
    "submission.withdrawn": "withdrew it",
    "submission.corrected": "corrected it",
    "submission.words_erased": "erased the words of a view that was taken back",
    "submission.erased": "erased a view for good",
    "outcome.written": "wrote an outcome",
    "outcome.translated": "translated an outcome",
    "outcome.proposed": "proposed an outcome",
    "outcome.published": "published an outcome",
    "outcome.retired": "took an outcome off the page",
    "outcome.deleted": "deleted a version of an outcome for good",
    "outcome.announced": "had those told who asked to hear back",
    "summary.begun": "began a version of what is common and contested",
    "summary.written": "wrote a point about what is common or contested",
    "summary.point_removed": "removed a point about what is common or contested",
    "summary.proposed": "proposed what is common and contested",
    "summary.signed_off": "signed off what is common and contested",
    "summary.retired": "took what is common and contested out of a briefing",
    "hear_back.agreed": "asked to hear what came of it",
    "hear_back.ended": "asked not to hear what came of it",
    "submission.flagged_urgent": "reported danger",
    "reply.written": "wrote a reply",
    "reply.changed": "changed a reply",
    "reply.sent": "approved and sent a reply",
    "reply.discarded": "discarded a reply",
    "submission.assigned": "gave it to somebody to review",
    "submission.unassigned": "took it back from who had it to review",
    "saved_view.saved": "saved a list",
    "saved_view.default_set": "chose the list that opens first",
    "saved_view.deleted": "deleted a saved list",
    "note.added": "wrote a note",
    "note.removed": "removed a note of theirs",
    "redaction.made": "redacted something personal",
    "redaction.ended": "took back a redaction",
    "export.requested": "asked for a file of all views",
    "export.deleted": "deleted a file of all views",
    "export.expired": "deleted a file of all views after its day",
    "views.exported": "took away a file of all views",
    "document.downloaded": "took away a briefing or the report",
    "recording.played": "opened a recording or file",
    "recording.listened": "listened to a recording",
    "reviewer.added": "added an account",
    "reviewer.changed": "changed an account",
    "reviewer.disabled": "closed an account",
    "reviewer.enabled": "opened an account",
    "reviewer.password_reset": "made a one-time password",
    "reviewer.password_changed": "chose a password",
    "reviewer.signed_in": "signed in",
    "reviewer.signed_out": "signed out",
    "reviewer.signed_out_everywhere": "signed out everywhere",
    "reviewer.session_ended": "ended a session of theirs",
    "reviewer.role_from_provider": "got another role from the council's own sign-in",
    "reviewer.asked": "asked to be let in, by the council's own sign-in",
    "second_factor.added": "set up an authenticator app",
    "second_factor.codes_renewed": "made new recovery codes",
    "second_factor.removed": "took their authenticator app out of use",
    "second_factor.reset": "took somebody's authenticator app away",
    "api_token.added": "made an API token",
    "api_token.revoked": "revoked an API token",
    "audit.exported": "took away the audit",
    "register.exported": "took away the register",
    "interpreter.file_made": "took away a file for an interpreter",
    "conversation.read": "read a conversation",
    "safeguarding.lead_named": "named the safeguarding lead",
    "safeguarding.recorded": "recorded what was done about the danger",
    "safeguarding.closed": "recorded the outcome about the danger",
}


FOLLOW_UP_TAGS: dict[str, tuple[str, str]] = {
    FollowUpState.DRAFT: ("Draft", "grey"),
    FollowUpState.WAITING: ("Waits for approval", "yellow"),
    FollowUpState.SENDING: ("Being sent", "blue"),
    FollowUpState.PAUSED: ("Paused", "orange"),
    FollowUpState.DONE: ("Sent", "green"),
    FollowUpState.CANCELED: ("Called off", "grey"),
}


def status_words(status: str) -> str:
    return STATUS_TAGS.get(status, (status.replace("_", " ").capitalize(), "grey"))[0]


def flag_words(flag: str) -> str:
    """Why a translation is doubted, in a plain sentence."""
    return FLAGS.get(flag, f"Check: {flag.replace('_', ' ')}.")


def action_words(action: str) -> str:
    return ACTIONS.get(action, action.replace(".", ": ").replace("_", " "))


def actor_words(actor: str) -> str:
    """ "reviewer:ana" as "ana", "token:export" as "program export"."""
    kind, _, name = actor.partition(":")
    return {"reviewer": name, "token": f"program {name}", "resident": "The resident"}.get(
        kind, actor.capitalize()
    )


def language_of(code: str | None) -> Language | None:
    return LANGUAGES.get(code) if code else None


def language_name(code: str | None) -> str:
    """The English name of a language, its code where we have no name, "Language not known" for None."""
    if code is None:
        return "Language not known"
    language = LANGUAGES.get(code)
    return language.english_name if language else code


def direction(code: str | None) -> str:
    """`dir` for HTML; "auto" lets the browser look at the letters when we do not know the language."""
    language = language_of(code)
    return language.direction if language else "auto"


def local_time(moment: dt.datetime | None) -> str:
    """ "5 March 2026, 14:07", London time."""
    if moment is None:
        return ""
    local = moment.astimezone(LOCAL_TIME)
    return f"{local.day} {local:%B %Y, %H:%M}"


def short_time(moment: dt.datetime | None) -> str:
    """ "14:07" today, "5 Mar 14:07" this year, "5 Mar 2025" before; London time."""
    if moment is None:
        return ""
    local, now = moment.astimezone(LOCAL_TIME), utc_now().astimezone(LOCAL_TIME)
    if local.date() == now.date():
        return f"Today {local:%H:%M}"
    if local.year == now.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b %Y}"


def waiting_time(since: dt.datetime | None) -> str:
    """How long it has waited: "12 minutes", "3 hours", "2 days"."""
    if since is None:
        return ""
    minutes = max(0, int((utc_now() - since).total_seconds() // 60))
    if minutes < 60:
        return _several(minutes, "minute")
    if minutes < 48 * 60:
        return _several(minutes // 60, "hour")
    return _several(minutes // (24 * 60), "day")


def lasting(length: dt.timedelta | None) -> str:
    """ "3 hours"; less than a minute is "0 minutes"."""
    return "" if length is None else waiting_time(utc_now() - length)


def _several(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def percent(share: float | None) -> str:
    return "" if share is None else f"{round(share * 100)}%"
