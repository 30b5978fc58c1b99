"""Voice notes through the whole gateway: acknowledged, read back, and words only by agreement."""

from __future__ import annotations

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from channels.media import MediaWorker
from channels.voice_notes import VoiceNoteWorker
from channels.wording import wording
from submissions.database import unit_of_work
from submissions.models import Direction, MediaFile, Message, Transcript, TranscriptState, utc_now
from submissions.voice_notes import claim_next
from tests.channels.conftest import wait_until
from tests.channels.simulator.conftest import Machine, machine  # noqa: F401  a fixture
from tests.translations.speech.conftest import (  # noqa: F401  fixtures
    SAMPLE_RATE,
    recording,
    speech_model,
    voice_note,
)

NUMBER = "+447700900321"
SPOKEN = "I want to talk about the park in my street. When is the next public meeting?"


class Handset:
    """The WhatsApp handset of the simulator, and the workers that a worker process would run."""

    def __init__(self, machine: Machine, model) -> None:  # noqa: F811
        self.machine = machine
        settings = machine.app.state.gateway.settings
        (settings.data / "speech").mkdir(parents=True, exist_ok=True)
        (settings.data / "speech/whisper-base").symlink_to(model)
        self.media = MediaWorker(settings)
        self.voice_notes = VoiceNoteWorker(settings)

    def answers(self) -> list[dict]:
        state = httpx.get(f"{self.machine.url}/simulator/state", params={"number": NUMBER}).json()
        return [one for one in state["messages"] if not one["from_resident"]]

    def wait_for(self, key: str, language: str = "en") -> dict:
        said = wording(key, language, "whatsapp", transcript="").text[:8]
        wait_until(lambda: any(one["text"].startswith(said) for one in self.answers()), 30)
        return next(one for one in reversed(self.answers()) if one["text"].startswith(said))

    def say(self, text: str, **more: str) -> None:
        body = {"channel": "whatsapp", "number": NUMBER, "text": text, **more}
        assert httpx.post(f"{self.machine.url}/simulator/messages", json=body).status_code == 202

    def choose_language(self, autonym: str) -> None:
        before = len(self.answers())
        self.say("0")
        wait_until(lambda: len(self.answers()) > before)
        before = len(self.answers())
        self.say(autonym)
        wait_until(lambda: len(self.answers()) > before)

    def send(self, content: bytes, kind: str = "audio/ogg") -> None:
        answer = httpx.post(
            f"{self.machine.url}/simulator/media",
            params={"number": NUMBER},
            content=content,
            headers={"Content-Type": kind},
        )
        assert answer.status_code == 202

    def work(self) -> None:
        wait_until(self.media.fetch_next)
        assert self.voice_notes.transcribe_next()
        assert not self.voice_notes.transcribe_next()


@pytest.fixture
def handset(machine, speech_model) -> Handset:  # noqa: F811
    return Handset(machine, speech_model)


def transcript() -> Transcript:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Transcript)).one()


def words_of_residents() -> list[str]:
    with unit_of_work(read_only=True) as db:
        texts = db.scalars(
            select(Message.original_text)
            .where(Message.direction == Direction.INBOUND)
            .order_by(Message.position)
        )
        return [text for text in texts if text]


def test_what_was_heard_is_read_back_and_counts_only_after_agreement(handset, bot):
    handset.choose_language("English")
    handset.send(recording("en_park_meeting.ogg").read_bytes())
    handset.wait_for("voice_note_received")
    handset.work()
    read_back = handset.wait_for("voice_note_heard")
    assert SPOKEN in read_back["text"]
    assert SPOKEN not in words_of_residents()
    assert SPOKEN not in bot.texts()
    agree, disagree = read_back["options"]
    assert [agree["title"], disagree["title"]] == ["That is right", "Not right"]
    handset.say(disagree["title"], choice=disagree["id"], choice_kind="buttons")
    handset.wait_for("voice_note_try_again")
    assert (transcript().state, transcript().message_id) == (TranscriptState.NOT_RIGHT, None)
    for _ in range(2):  # pressed twice, counted once
        handset.say(agree["title"], choice=agree["id"], choice_kind="buttons")
    wait_until(lambda: SPOKEN in bot.texts())
    wait_until(lambda: transcript().state == TranscriptState.AGREED)
    assert words_of_residents().count(SPOKEN) == 1
    kept = transcript()
    assert kept.log_probability > -0.6
    assert len(kept.model_sha256) == 64
    with unit_of_work(read_only=True) as db:
        assert db.get(Message, kept.message_id).original_text == SPOKEN
        media = db.get(MediaFile, kept.media_file_id)  # the recording stays
        assert handset.media.store.read(media.stored_name).startswith(b"OggS")


def test_noise_never_becomes_words_and_the_resident_is_asked_to_write(handset, bot, voice_note):  # noqa: F811
    handset.choose_language("English")
    before = words_of_residents()
    noise = np.random.default_rng(4).normal(0, 0.1, SAMPLE_RATE * 3).clip(-1, 1)
    handset.send(voice_note(noise).read_bytes())
    handset.wait_for("voice_note_received")
    handset.work()
    assert handset.wait_for("voice_note_not_heard")["options"] == []
    assert (transcript().state, transcript().doubt) == (TranscriptState.FOR_A_PERSON, "no_speech")
    assert words_of_residents() == before
    assert "" not in bot.texts()


def test_a_picture_is_acknowledged_kept_and_not_transcribed(handset, bot):
    handset.choose_language("العربية")
    handset.send(b"\xff\xd8\xff\xe0" + bytes(300), "image/jpeg")
    handset.wait_for("file_received", "ar")
    wait_until(handset.media.fetch_next)
    assert not handset.voice_notes.transcribe_next()
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(MediaFile.detected_type)).all() == ["image/jpeg"]


def test_a_recording_that_breaks_its_worker_is_left_to_a_person(handset, voice_note):  # noqa: F811
    handset.send(voice_note(np.zeros(SAMPLE_RATE)).read_bytes())
    wait_until(handset.media.fetch_next)
    for attempt in (1, 2):
        assert claim_next() is not None, attempt
        assert claim_next() is None
        with unit_of_work() as db:  # the worker died in the middle
            row = db.scalars(select(Transcript)).one()
            row.started_at = utc_now().replace(year=2020)
    assert claim_next() is None
    assert (transcript().state, transcript().doubt) == (TranscriptState.FOR_A_PERSON, "failed")


def test_without_the_model_recordings_wait(machine, voice_note):  # noqa: F811
    settings = machine.app.state.gateway.settings
    answer = httpx.post(
        f"{machine.url}/simulator/media",
        params={"number": NUMBER},
        content=voice_note(np.zeros(SAMPLE_RATE)).read_bytes(),
        headers={"Content-Type": "audio/ogg"},
    )
    assert answer.status_code == 202
    wait_until(MediaWorker(settings).fetch_next)
    assert VoiceNoteWorker(settings).transcribe_next() is False
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Transcript)).all() == []
