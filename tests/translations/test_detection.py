import json
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.detection import DATA, summary
from translations import languages
from translations.detection import detect


def test_most_of_our_labelled_messages_are_told_and_wrong_answers_are_rare():
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    shares = summary(rows, [detect(row["text"]).language for row in rows])
    assert shares["right_when_answering"] >= 0.97
    assert shares["right"] >= 0.88
    assert shares["wrongly_answers"] <= 0.05


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "12345",
        "👍",
        "OW-7K3M-92QF",
        "https://example.org/uma/rua",
        "ana@example.org",
        "Maria",
        "no",
        "ok",
    ],
)
def test_a_text_that_does_not_tell_has_no_language(text):
    assert detect(text).language is None


@pytest.mark.parametrize(
    "text",
    [
        "ana 3ayez atkallem 3an el madrasa",
        "ami kichu bolte chai",
        "mujhe kuch kehna hai",
        "Ich möchte etwas über die Schule sagen",
        "ሓደ ነገር ክብል እደሊ እየ",
        "私は学校について話したいです",
        "زه غواړم د ښوونځي په اړه یو څه ووایم",
        "मैं स्कूल के बारे में कुछ कहना चाहता हूँ",
    ],
)
def test_romanised_text_and_languages_we_do_not_offer_are_not_taken_for_another(text):
    assert detect(text).language is None


@pytest.mark.parametrize("text", ["ok", "no", "sim", "la casa", "merci", "12", "👍", "Maria", "grazie mille"])
@pytest.mark.parametrize("language", ["pl", "pt", "so"])
def test_a_short_text_never_flips_a_conversation(text, language):
    assert detect(text, language).language == language


@pytest.mark.parametrize("text", ["مرحبا", "hello", "привет", "আমি"])
def test_a_short_text_that_cannot_be_the_conversations_language_is_left_open(text):
    conversation = "zh" if text == "hello" else "pt"
    assert detect(text, conversation).language is None


def test_a_long_and_sure_text_is_told_even_in_a_conversation_in_another_language():
    assert detect("Nie czuję się bezpiecznie wieczorem na tej ulicy", "pt").language == "pl"
    assert detect("আমাদের এলাকায় একটি খেলার মাঠ দরকার", "en").language == "bn"
    assert detect("Não me sinto segura à noite nesta rua", "en").language == "pt"


def test_romanised_text_has_the_conversations_language():
    assert detect("mujhe kuch kehna hai", "ur").language == "ur"
    assert detect("ami kichu bolte chai", "bn").language == "bn"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("¿Cuándo es la reunión?", "es"),
        ("کتاب‌های مدرسه کجا هستند", "fa"),
        ("ہم یہاں رہتے ہیں", "ur"),
        ("ئێمە لێرە دەژین", "ckb"),
        ("نحن نعيش هنا", "ar"),
        ("Ми живемо тут і любимо це місто", "uk"),
        ("Мы живём здесь и любим этот город", "ru"),
        ("我们住在这里", "zh"),
        ("እኛ እዚህ እንኖራለን", "am"),
        ("Waxaan u baahannahay caawimaad", "so"),
        ("BOM DIA A TODOS OS VIZINHOS", "pt"),
    ],
)
def test_neighbouring_languages_are_told_apart(text, code):
    assert detect(text).language == code


def test_words_that_mix_alphabets_are_answered():
    assert detect("Яaa Яbb").language is None or detect("Яaa Яbb").language in languages.LANGUAGES


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=200), st.sampled_from([None, *languages.LANGUAGES]))
def test_any_text_gets_an_answer_with_a_confidence_between_nothing_and_certain(text, conversation):
    found = detect(text, conversation)
    assert 0 <= found.confidence <= 1
    assert found.language is None or found.language in languages.LANGUAGES


def test_detection_opens_no_connection_and_writes_no_file(tmp_path, monkeypatch):
    from translations import detection

    def refuse(*_, **__):
        raise AssertionError("detection opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(detection, "_model", None)
    monkeypatch.setenv("FTLANG_CACHE", str(tmp_path))
    before = set(Path("/tmp").glob("fasttext*"))
    assert detect("Quero falar sobre a escola").language == "pt"
    assert list(tmp_path.iterdir()) == []
    assert set(Path("/tmp").glob("fasttext*")) == before
