"""One turn: what is said to one inbound message, by the gateway itself or by the assistant, and its keeping.

Reads first, asks the assistant outside any transaction, then writes the answers, the mark "handled" and
what was learnt about the conversation in one commit. Repeating a turn that was cut off anywhere is harmless.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.choices import choice_by_button, choice_by_text
from channels.draft_texts import read_draft
from channels.errors import BotUnavailable, ChannelError
from channels.follow_ups import FORUM_WELCOME
from channels.language_menu import LANGUAGE_CHOSEN, MenuAnswer, MenuStep, language_asked_for, read_message
from channels.opt_out_keywords import asks_to_stop
from channels.own_view_words import read_hear_back_step, what_to_add
from channels.rasa_client import BotAnswer, RasaClient, Reply
from channels.rendering import PREVIEW_KEYS, TEXT_CHANNELS, DraftTexts, language_options, render
from channels.stop_question import ASK_STOP, GO_ON, STOP_OPTIONS, ask_about, read_stop_step
from channels.voice_notes import read_voice_step
from submissions import offers
from submissions.commission import Commission, get_commission
from submissions.conversations import (
    OutboundMessage,
    find_conversation,
    find_inbound_message,
    lock_conversation,
    next_message,
    record_failure,
    record_interim_message,
    record_replies,
)
from submissions.database import unit_of_work
from submissions.follow_ups.answers import link_conversation
from submissions.follow_ups.code_words import find_forum_by_code_word
from submissions.intake import flag_danger
from submissions.models import Conversation, Direction, Forum, ForumLinkWay, Message, utc_now

logger = logging.getLogger(__name__)

OFFERS_REMEMBERED = 20  # messages back; a button pressed later than that counts as its words
# Said by the gateway, so no sign that a conversation is under way.
GATEWAY_KEYS = frozenset({"choose_language", "temporary_trouble", "language_set"})
DANGER_HELP = "danger_help"


@dataclass(frozen=True)
class Turn:
    """An inbound message and what the conversation looked like before it."""

    conversation_id: uuid.UUID
    message_id: uuid.UUID
    channel: str
    text: str
    posted_choice: str | None
    language: str | None
    is_language_chosen: bool  # by the resident, not by detection
    is_choosing_language: bool
    offers: list[list[dict[str, Any]]]  # options of the last messages that had any, newest first
    is_under_way: bool  # the assistant has spoken in it


@dataclass(frozen=True)
class Outcome:
    """What to keep of a turn."""

    replies: list[OutboundMessage]
    choice: str | None = None
    forum_id: uuid.UUID | None = None  # whose code word it was
    menu: MenuAnswer | None = None
    bot_answer: BotAnswer | None = None
    language: str | None = None  # of the conversation from now on; None leaves it
    language_source: str | None = None
    is_choosing_language: bool = False


@dataclass
class _Words:
    """Renders for one conversation."""

    channel: str
    language: str | None
    commission: Commission = field(default_factory=get_commission)

    def say(
        self,
        key: str,
        arguments: dict[str, Any] | None = None,
        options: Sequence[dict[str, str]] = (),
        draft: DraftTexts | None = None,
    ) -> OutboundMessage:
        rendered = render(
            key, arguments, options, self.language, self.channel, draft=draft, commission=self.commission
        )
        return OutboundMessage(
            message_key=key,
            arguments=arguments or {},
            text=rendered.text,
            blocks=rendered.blocks,
            options=rendered.options,
            language=rendered.language,
        )


def answer_message(conversation_id: uuid.UUID, *, worker: str, bot: RasaClient, lease_seconds: float) -> bool:
    """Answers the first due message of a conversation that `worker` has leased.

    True when the worker still holds the lease and should go on; False when nothing is due and the lease was
    given back with the last commit. Raises LeaseLost, DatabaseUnavailable, and ChannelError for a fault of
    ours after putting the message off.
    """
    turn = read_turn(conversation_id)
    if turn is None:
        return _release_if_done(conversation_id, worker)
    words = _Words(turn.channel, turn.language)
    try:
        outcome = _decide(turn, words, bot)
    except BotUnavailable as error:
        _put_off(turn, worker, error.reason, words.say("temporary_trouble"))
        return False
    except Exception as error:
        # A reply we cannot word, or a bug: the message stays in the inbox, visibly, and is tried again later.
        _put_off(turn, worker, type(error).__name__, words.say("temporary_trouble"))
        if isinstance(error, ChannelError):
            raise
        logger.exception("inbox: message %s could not be answered", turn.message_id)
        return False
    return _keep(turn, outcome, worker, lease_seconds)


def _decide(turn: Turn, words: _Words, bot: RasaClient) -> Outcome:
    """What to answer; `words` takes on the language the message chooses or is written in."""
    menu_languages = [option["payload"].split(":")[1] for option in language_options(words.commission)]
    choice = _resolve_choice(turn, menu_languages)
    menu = read_message(
        turn.text,
        choice,
        is_open=turn.is_choosing_language,
        conversation_language=turn.language,
        is_language_chosen=turn.is_language_chosen,
        menu=menu_languages,
    )
    words.language = menu.language or turn.language
    if choice is None and asks_to_stop(turn.text, on_phone=turn.channel in TEXT_CHANNELS):
        return Outcome([words.say("stopped")], menu=menu)
    stop = read_stop_step(turn.conversation_id, turn.message_id, turn.channel, turn.text, choice)
    if stop is not None:
        if stop.say is not None:
            options = STOP_OPTIONS if stop.say == ASK_STOP else ()
            return Outcome([words.say(stop.say, options=options)], choice=choice, menu=menu)
        # No wish to stop after all: what they wrote then is answered now.
        turn = replace(turn, message_id=stop.earlier_message_id or turn.message_id, text=stop.earlier_text)
        outcome = _ask_assistant(turn, None, menu, words, bot, menu_languages)
        return replace(outcome, choice=GO_ON)
    heard = read_hear_back_step(turn.conversation_id, turn.channel, choice)
    if heard is not None:
        return Outcome([words.say(heard)], choice=choice, menu=menu)
    voice = read_voice_step(turn.conversation_id, turn.message_id, turn.text, choice)
    if voice is not None:
        said = [words.say(voice.say)] if voice.say is not None else []
        is_choosing = turn.is_choosing_language and words.language is None
        if is_choosing and said:
            said.append(words.say("choose_language"))
        return Outcome(said, choice=choice, is_choosing_language=is_choosing)
    forum = _forum_of_code_word(turn) if choice is None else None
    if forum is not None:
        return _welcome_to_forum(turn, forum, words, bot)
    if menu.step is MenuStep.OPEN:
        return Outcome([words.say("choose_language")], menu=menu, is_choosing_language=True)
    if menu.step is MenuStep.CHOSEN:
        choice = f"language:{menu.language}"
        _keep_language_choice(turn, menu.language)
    return _ask_assistant(turn, choice, menu, words, bot, menu_languages)


def _forum_of_code_word(turn: Turn) -> Forum | None:
    with unit_of_work(read_only=True) as db:
        return find_forum_by_code_word(db, turn.text)


def _welcome_to_forum(turn: Turn, forum: Forum, words: _Words, bot: RasaClient) -> Outcome:
    """Says that what they write now belongs to the forum, then goes on as with anybody.

    One word does not tell a language: it is the conversation's, else the forum's if only one was spoken
    there, else the menu asks.
    """
    words.language = turn.language or (forum.languages[0] if len(forum.languages) == 1 else None)
    said = [words.say(FORUM_WELCOME, {"forum": forum.name})]
    if words.language is None:
        said.append(words.say("choose_language"))
        return Outcome(said, forum_id=forum.id, is_choosing_language=True)
    answer = bot.handle(
        message_id=turn.message_id,
        conversation_id=turn.conversation_id,
        text=turn.text,
        language=words.language,
        channel=turn.channel,
        choice=LANGUAGE_CHOSEN,  # greets who is new, and goes on where it was with others
    )
    said += [_word(reply, words) for reply in answer.replies]
    is_new = turn.language is None
    return Outcome(
        said,
        forum_id=forum.id,
        bot_answer=answer,
        language=words.language if is_new else None,
        language_source="detected" if is_new else None,
    )


def read_turn(conversation_id: uuid.UUID) -> Turn | None:
    """The next due message with what is needed to answer it; None when nothing is due."""
    with unit_of_work(read_only=True) as db:
        message = next_message(db, conversation_id)
        if message is None:
            return None
        conversation = find_conversation(db, conversation_id)
        spoken = db.execute(
            select(Message.message_key, Message.options)
            .where(
                Message.conversation_id == conversation_id,
                Message.direction == Direction.OUTBOUND,
                Message.position < message.position,
            )
            .order_by(Message.position.desc())
            .limit(OFFERS_REMEMBERED)
        ).all()
        return Turn(
            conversation_id=conversation_id,
            message_id=message.id,
            channel=message.channel,
            text=message.original_text or "",
            posted_choice=message.choice,
            language=conversation.language,
            is_language_chosen=conversation.language_source == "chosen",
            is_choosing_language=conversation.is_choosing_language,
            offers=[row.options for row in spoken if row.options],
            is_under_way=any(row.message_key not in GATEWAY_KEYS for row in spoken),
        )


def _resolve_choice(turn: Turn, menu_languages: Sequence[str]) -> str | None:
    if turn.posted_choice is not None:
        # The page always shows its language button, so a language needs no offer.
        if turn.posted_choice.removeprefix("language:") in menu_languages:
            return turn.posted_choice
        return choice_by_button(turn.posted_choice, turn.offers)
    last = turn.offers[0] if turn.offers else []
    if last and str(last[0]["payload"]).startswith("language:") and not turn.is_choosing_language:
        last = []  # the menu was closed by what was written since
    return choice_by_text(turn.text, last)


def _ask_assistant(
    turn: Turn,
    choice: str | None,
    menu: MenuAnswer,
    words: _Words,
    bot: RasaClient,
    menu_languages: Sequence[str],
) -> Outcome:
    is_language_choice = menu.step is MenuStep.CHOSEN
    answer = bot.handle(
        message_id=turn.message_id,
        conversation_id=turn.conversation_id,
        text=turn.text,
        language=words.language,
        channel=turn.channel,
        choice=LANGUAGE_CHOSEN if is_language_choice else choice,
    )
    outcome = Outcome(
        replies=[],
        choice=choice,
        menu=menu,
        bot_answer=answer,
        language=menu.language,
        language_source=None if menu.language is None else ("chosen" if is_language_choice else "detected"),
    )
    if is_language_choice and turn.is_under_way:
        outcome.replies.append(words.say("language_set"))
    for reply in answer.replies:
        if reply.key == "choose_language":
            asked = language_asked_for(turn.text, current=words.language, menu=menu_languages)
            if asked is not None:
                words.language = asked
                outcome = replace(outcome, language=asked, language_source="chosen")
                outcome.replies.append(words.say("language_set"))
                continue
            outcome = replace(outcome, is_choosing_language=True)
        is_guess = reply.key == "stopped" and turn.channel in TEXT_CHANNELS
        if is_guess and ask_about(turn.conversation_id, turn.message_id):
            # By telephone only our own lists stop all messages; what the assistant makes of words is asked.
            outcome.replies.append(words.say(ASK_STOP, options=STOP_OPTIONS))
            continue
        outcome.replies.append(_word(reply, words))
    keys = [reply.key for reply in answer.replies]
    for key, arguments, options in what_to_add(turn.conversation_id, turn.channel, keys):
        outcome.replies.append(words.say(key, arguments, options))
    return outcome


def _word(reply: Reply, words: _Words) -> OutboundMessage:
    draft = None
    if reply.key in PREVIEW_KEYS and "draft_id" in reply.arguments:
        with unit_of_work(read_only=True) as db:
            draft = read_draft(db, uuid.UUID(str(reply.arguments["draft_id"])))
    options = [{"key": option.key, "payload": option.payload} for option in reply.options]
    return words.say(reply.key, reply.arguments, options, draft)


def _keep_language_choice(turn: Turn, language: str | None) -> None:
    """Before the assistant is asked: if it does not answer, the choice must not have to be made again."""
    if turn.language == language and not turn.is_choosing_language:
        return
    with unit_of_work() as db:
        conversation = lock_conversation(db, turn.conversation_id)
        conversation.language = language
        conversation.language_source = "chosen"
        conversation.is_choosing_language = False
        find_inbound_message(db, turn.conversation_id, turn.message_id).choice = f"language:{language}"


def _keep(turn: Turn, outcome: Outcome, worker: str, lease_seconds: float) -> bool:
    with unit_of_work() as db:
        message = find_inbound_message(db, turn.conversation_id, turn.message_id)
        # First the answers: this locks the conversation and raises when the lease has gone.
        record_replies(db, turn.message_id, outcome.replies, worker=worker)
        conversation = find_conversation(db, turn.conversation_id)
        if any(reply.message_key == DANGER_HELP for reply in outcome.replies):
            # The assistant reports it too; if that call failed, who is in danger must be urgent all the same.
            flag_danger(db, turn.conversation_id, turn.message_id)
        message.choice = outcome.choice
        if outcome.menu is not None and outcome.menu.detection is not None:
            message.detected_language = outcome.menu.detection.language
            message.detected_language_confidence = outcome.menu.detection.confidence
        if outcome.bot_answer is not None:
            message.intent = outcome.bot_answer.intent.name
            message.intent_confidence = outcome.bot_answer.intent.confidence
            offers.note(db, message)
        if outcome.language is not None:
            conversation.language = outcome.language
            conversation.language_source = outcome.language_source
        conversation.is_choosing_language = outcome.is_choosing_language
        if outcome.forum_id is not None:
            link_conversation(db, conversation.id, outcome.forum_id, ForumLinkWay.CODE_WORD)
        return _hold_or_release(db, conversation, lease_seconds)


def _hold_or_release(db: Session, conversation: Conversation, lease_seconds: float) -> bool:
    """Keeps the lease while something is due; giving it back in the same commit saves one of our own."""
    db.flush()
    if next_message(db, conversation.id) is None:
        conversation.leased_by = conversation.leased_until = None
        return False
    conversation.leased_until = utc_now() + dt.timedelta(seconds=lease_seconds)
    return True


def _release_if_done(conversation_id: uuid.UUID, worker: str) -> bool:
    with unit_of_work() as db:
        conversation = lock_conversation(db, conversation_id)
        if conversation.leased_by != worker:
            return False
        return _hold_or_release(db, conversation, 0)


def _put_off(turn: Turn, worker: str, reason: str, trouble: OutboundMessage) -> None:
    """Counts the failure; after the first one the resident is told, once, that the message is kept."""
    logger.warning("inbox: message %s put off: %s", turn.message_id, reason)
    with unit_of_work() as db:
        conversation = lock_conversation(db, turn.conversation_id)
        if conversation.leased_by != worker:
            return
        message = record_failure(db, turn.message_id, reason)
        if message.attempts == 1:
            record_interim_message(db, turn.message_id, trouble)
        conversation.leased_by = conversation.leased_until = None
