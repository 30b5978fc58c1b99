"""The real model on real and on hopeless recordings, inside its limits."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.translations.speech.conftest import SAMPLE_RATE, recording, write_ogg
from translations.speech import transcriber
from translations.speech.acceptance import Doubt
from translations.speech.probing import probe
from translations.speech.transcriber import TranscriptionFailed, transcribe


def words(text):
    return "".join(char for char in text.casefold() if char.isalpha() or char == " ").split()


def test_english_is_heard_word_for_word(speech_model):
    heard = transcribe(recording("en_park_meeting.ogg"), model=speech_model, conversation_language=None)
    wanted = "I want to talk about the park in my street. When is the next public meeting?"
    assert words(heard.text) == words(wanted)
    assert (heard.language, heard.doubt) == ("en", None)


@pytest.mark.slow
def test_what_is_surely_heard_wins_over_the_conversations_language(speech_model):
    heard = transcribe(recording("es_park_light.ogg"), model=speech_model, conversation_language="en")
    assert (heard.language, heard.doubt) == ("es", None)
    assert words(heard.text)[:5] == ["quiero", "hablar", "sobre", "el", "parque"]


@pytest.mark.slow
def test_chinese_comes_in_simplified_characters_which_the_translator_knows(speech_model):
    heard = transcribe(recording("zh_next_meeting.ogg"), model=speech_model, conversation_language=None)
    assert (heard.language, heard.doubt) == ("zh", None)
    assert "会议" in heard.text
    assert "會" not in heard.text


def test_an_unsure_language_is_replaced_by_the_conversations(speech_model):
    heard = transcribe(recording("pt_school.ogg"), model=speech_model, conversation_language="pt")
    assert heard.language == "pt"
    assert words(heard.text) == words("Quero falar sobre a escola do meu bairro.")
    assert heard.heard_probability < 0.6
    # Right as it is, the model is not sure of this robot's voice, and the gate keeps to its figure.
    assert heard.doubt is Doubt.UNCLEAR
    alone = transcribe(recording("pt_school.ogg"), model=speech_model, conversation_language=None)
    assert (alone.text, alone.doubt) == ("", Doubt.LANGUAGE_UNSURE)


def made(kind: str) -> np.ndarray:
    time_line = np.arange(SAMPLE_RATE * 4) / SAMPLE_RATE
    random = np.random.default_rng(4)
    if kind == "silence":
        return np.zeros_like(time_line)
    if kind == "noise":
        return random.normal(0, 0.1, len(time_line)).clip(-1, 1)
    if kind == "beep":
        return 0.5 * np.sin(2 * np.pi * 1000 * time_line[: SAMPLE_RATE // 3])
    chords = sum(np.sin(2 * np.pi * pitch * time_line) for pitch in (220, 277.2, 329.6))
    return 0.2 * chords * np.exp(-2 * (time_line % 1))


@pytest.mark.parametrize("kind", ["silence", "noise", "beep", "music"])
def test_what_is_no_speech_never_becomes_words(speech_model, voice_note, kind):
    heard = transcribe(voice_note(made(kind)), model=speech_model, conversation_language="es")
    assert heard.text == ""
    assert heard.doubt is Doubt.NO_SPEECH


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/octet-stream"),
        (bytes(range(256)) * 20, "application/octet-stream"),
        (b"<?xml version='1.0'?><RestException/>", "application/octet-stream"),
        (b"\xff\xd8\xff\xe0" + bytes(400), "image/jpeg"),
        (b"OggS" + bytes(400), "application/octet-stream"),
    ],
)
def test_what_is_no_recording_is_known_by_its_content(tmp_path, content, kind):
    path = tmp_path / "voice.ogg"
    path.write_bytes(content)
    assert probe(path).media_type == kind
    heard = transcribe(path, model=tmp_path, conversation_language="es")
    assert (heard.text, heard.doubt) == ("", Doubt.NOT_READABLE)


def test_a_recording_with_a_damaged_middle_does_no_harm(speech_model, voice_note, tmp_path):
    whole = voice_note(made("noise")).read_bytes()
    damaged = tmp_path / "damaged.ogg"
    damaged.write_bytes(whole[: len(whole) // 3] + bytes(500) + whole[len(whole) // 2 :])
    assert transcribe(damaged, model=speech_model, conversation_language="es").text == ""


def test_much_silence_in_little_space_is_refused_without_being_unpacked(tmp_path):
    path = tmp_path / "bomb.ogg"
    write_ogg(path, np.zeros(SAMPLE_RATE * 60), repeat=20)
    assert path.stat().st_size < 1_000_000
    started = time.monotonic()
    heard = transcribe(path, model=tmp_path, conversation_language="es")
    assert heard.doubt is Doubt.TOO_LONG
    assert heard.seconds == pytest.approx(1200, rel=0.01)
    assert time.monotonic() - started < 2


def test_a_length_that_is_not_stated_is_found_out_while_unpacking(tmp_path, monkeypatch):
    path = tmp_path / "long.ogg"
    write_ogg(path, np.zeros(SAMPLE_RATE * 60), repeat=5)
    unknown = probe(path).__class__("audio/ogg", None)
    monkeypatch.setattr(transcriber, "probe", lambda _: unknown)
    heard = transcribe(path, model=tmp_path, conversation_language="es")
    assert heard.doubt is Doubt.TOO_LONG


def test_time_and_memory_are_limited(speech_model, voice_note):
    path = voice_note(made("noise"))
    with pytest.raises(TranscriptionFailed, match="out of time"):
        transcribe(path, model=speech_model, conversation_language="es", time_limit_seconds=0.05)
    with pytest.raises(TranscriptionFailed, match="exit"):
        transcribe(path, model=speech_model, conversation_language="es", memory_megabytes=60)


def test_a_film_is_no_voice_note(tmp_path):
    import av

    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).media_type == "application/octet-stream"
    copy = Path(shutil.copy(path, tmp_path / "voice.ogg"))
    assert not probe(copy).is_recording
