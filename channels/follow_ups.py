"""Follow-ups after a forum, as the channels see them: wording, code words, and the job that queues them."""

from __future__ import annotations

from huey import crontab
from sqlalchemy.orm import Session

from channels import outbox
from channels.errors import UnknownMessageKey
from channels.opt_out_keywords import StopMeaning, asks_to_start_again, stop_meaning
from channels.rendering import render
from submissions import jobs
from submissions.follow_ups import code_words, results, sending, texts
from submissions.models import Channel, Message

FORUM_WELCOME = "forum_welcome"


def default_wording(language: str, forum_name: str) -> str | None:
    """The kept invitation in this language; None where the catalogues have it in English only."""
    try:
        said = render(texts.MESSAGE_KEY, {"forum": forum_name}, [], language, Channel.SMS)
    except UnknownMessageKey:
        return None
    return said.text if said.language == language else None


def is_word_of_stopping(word: str) -> bool:
    """Whether texting this word stops our messages, or starts them again."""
    return stop_meaning(word) is not StopMeaning.NOTHING or asks_to_start_again(word)


def hold_back(db: Session, message: Message, sms_parts: int) -> str | None:
    return sending.check_before_sending(db, message, sms_parts)


def install() -> None:
    """Makes follow-ups known to the outbox, and our words to the desk. Again, it changes nothing."""
    texts.use_default_wording(default_wording)
    if is_word_of_stopping not in code_words.MEANS_SOMETHING_ELSE:
        code_words.MEANS_SOMETHING_ELSE.append(is_word_of_stopping)
    if hold_back not in outbox.SENDING_CHECKS:
        outbox.SENDING_CHECKS.append(hold_back)


def work_on_follow_ups() -> None:
    """Queues what is next and notes what became of what was sent."""
    results.note_outcomes()
    sending.queue_next_batches()


def add_minute_job() -> None:
    """Has the worker do it every minute."""
    jobs.get_queue().huey.periodic_task(crontab(minute="*"), name="follow_ups")(work_on_follow_ups)
