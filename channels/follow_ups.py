"""Follow-ups after a forum, as the channels see them: wording, code words, and the job that queues them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from huey import crontab
from sqlalchemy.orm import Session

from channels import outbox
from channels.errors import UnknownMessageKey
from channels.follow_up_templates import work_on_templates
from channels.opt_out_keywords import StopMeaning, asks_to_start_again, stop_meaning
from channels.rendering import render
from channels.settings import Settings
from channels.wording import catalogue_languages, load_catalogue
from submissions import jobs
from submissions.follow_ups import code_words, results, sending, texts
from submissions.models import Channel, Message

FORUM_WELCOME = "forum_welcome"
RIGHT_TO_LEFT_MARK = "\u200f"


def default_wording(language: str, forum_name: str) -> str | None:
    """The kept invitation in this language; None where the catalogues have it in English only."""
    try:
        said = render(texts.MESSAGE_KEY, {"forum": forum_name}, [], language, Channel.SMS)
    except UnknownMessageKey:
        return None
    if said.language != language:
        return None
    return _led_by_its_direction(said.text, said.dir)


def _led_by_its_direction(text: str, direction: str) -> str:
    """Telephones lay a text out by its first letter, and councils' names are Latin: where the text is written
    from right to left, an invisible mark says so first."""
    first = next((char for char in text if unicodedata.bidirectional(char) in ("L", "R", "AL")), "")
    is_misled = direction == "rtl" and unicodedata.bidirectional(first or "L") == "L"
    return f"{RIGHT_TO_LEFT_MARK}{text}" if is_misled else text


def is_word_of_stopping(word: str) -> bool:
    """Whether texting this word stops our messages, or starts them again."""
    return stop_meaning(word) is not StopMeaning.NOTHING or asks_to_start_again(word)


# Twilio answers these by itself, or takes them for a START.
# Source: https://www.twilio.com/docs/messaging/tutorials/how-to-use-twilio-opt-out-keywords
CARRIER_WORDS_BESIDE = frozenset({"help", "info", "yes"})


def is_word_of_a_menu(word: str) -> bool:
    """Whether texting this word may pick an option of ours, in any language, or is the carrier's own word."""
    key = code_words.code_word_key(word)
    return key.isdecimal() or key in CARRIER_WORDS_BESIDE or key in _option_titles()


@lru_cache(maxsize=1)
def _option_titles() -> frozenset[str]:
    return frozenset(
        code_words.code_word_key(text)
        for language in catalogue_languages()
        for (key, _), text in load_catalogue(language).texts.items()
        if key.startswith("option_")
    )


def hold_back(db: Session, message: Message, sms_parts: int) -> str | None:
    return sending.check_before_sending(db, message, sms_parts)


def install() -> None:
    """Makes follow-ups known to the outbox, and our words to the desk. Again, it changes nothing."""
    texts.use_default_wording(default_wording)
    for check in (is_word_of_stopping, is_word_of_a_menu):
        if check not in code_words.MEANS_SOMETHING_ELSE:
            code_words.MEANS_SOMETHING_ELSE.append(check)
    if hold_back not in outbox.SENDING_CHECKS:
        outbox.SENDING_CHECKS.append(hold_back)


def work_on_follow_ups() -> None:
    """Queues what is next and notes what became of what was sent."""
    results.note_outcomes()
    sending.queue_next_batches()


def add_minute_job(settings: Settings) -> None:
    """Has the worker do it every minute; WhatsApp's approvals apart, since Twilio may keep them waiting."""
    huey = jobs.get_queue().huey
    huey.periodic_task(crontab(minute="*"), name="follow_ups")(work_on_follow_ups)
    huey.periodic_task(crontab(minute="*"), name="follow_up_templates")(lambda: work_on_templates(settings))
