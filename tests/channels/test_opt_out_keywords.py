"""What a message says about hearing from us, however it is typed, and what must be asked about."""

import time

import pytest

from channels.opt_out_keywords import (
    OPT_IN_FILE,
    WORDS_FOLDER,
    StopMeaning,
    asks_to_start_again,
    opt_out_phrases,
    stop_meaning,
)
from channels.wording import catalogue_languages, load_catalogue


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "  stop. ",
        "Stop!!! 🙏",
        "Please, STOP",
        "stop thank you",
        "ＳＴＯＰ",
        "s\u200btop",
        "ســتوب",  # tatweel
        "تَوَقَّفْ",  # vowel signs
        "أوقف الرسائل لو سمحت",
        "وقف الرسايل شكرا",
        "Don’t text me",
        "BAJA por favor",
        "arreter s'il vous plaît",
    ],
)
def test_case_accents_politeness_and_letter_forms_do_not_hide_a_stop(text):
    assert stop_meaning(text) is StopMeaning.STOP


@pytest.mark.parametrize(
    "text",
    ["oh stop texting me love", "tsop", "stpo", "please don't text me thank you bye", "你们停止发送吧"],
)
def test_what_may_be_a_stop_is_asked_about(text):
    assert stop_meaning(text) is StopMeaning.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [
        "Stop the buses being cut",
        "the bus stop",
        "shop",
        "don't text me about it, come and see the mould",
        "stop stop stop the library cuts",
        "لا تغلقوا المكتبة",
        "thank you",
        "please",
        "",
        "🙏",
    ],
)
def test_a_view_is_a_view(text):
    assert stop_meaning(text) is StopMeaning.NOTHING


@pytest.mark.parametrize(
    "path", sorted(WORDS_FOLDER.glob("*_not.txt")), ids=lambda path: path.stem.removesuffix("_not")
)
def test_no_look_alike_is_even_asked_about(path):
    assert {line: stop_meaning(line) for line in lines(path)} == dict.fromkeys(
        lines(path), StopMeaning.NOTHING
    )


@pytest.mark.parametrize("line", lines(OPT_IN_FILE))
def test_a_phrase_that_takes_a_stop_back_is_no_stop(line):
    assert asks_to_start_again(line.upper() + "!")
    assert stop_meaning(line) is StopMeaning.NOTHING


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_no_button_of_ours_asks_for_a_word_that_stops_or_starts(language):
    titles = [text for (key, _), text in load_catalogue(language).texts.items() if key.startswith("option_")]
    assert titles
    assert [title for title in titles if stop_meaning(title) is not StopMeaning.NOTHING] == []
    assert [title for title in titles if asks_to_start_again(title)] == []


def test_a_look_up_takes_well_under_a_millisecond():
    opt_out_phrases()
    stop_meaning("warm up")
    started = time.perf_counter()
    for _ in range(200):
        stop_meaning("we need a bigger library in the town, not more shops")
    assert (time.perf_counter() - started) / 200 < 0.005  # ten times what it takes: the machine is shared
