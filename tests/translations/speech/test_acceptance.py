"""The gate: what may be read back, and what never becomes words."""

import math

import pytest

from translations.speech.acceptance import (
    TRANSCRIBED,
    Doubt,
    HeardSegment,
    doubt_about,
    language_to_use,
    mean_log_probability,
)


def heard(text, log_probability=-0.3, seconds=5.0, compression_ratio=1.2):
    return HeardSegment(text, seconds, log_probability, compression_ratio)


@pytest.mark.parametrize(
    ("segment", "language", "doubt"),
    [
        (heard(" Las arenas son blanquecinas, de grano medio."), "es", None),
        (heard("Sous le consulat, il devient conservateur.", -0.54), "fr", None),
        (heard("今天天气怎么样?", -0.57), "zh", None),
        (heard("А какой ваш любимый фильм?"), "ru", None),
        (heard("no se oye nada", -0.61), "es", Doubt.UNCLEAR),
        (heard(""), "es", Doubt.NO_SPEECH),
        (heard("... ... ..."), "es", Doubt.NO_SPEECH),
        (heard("so so so", -0.09, compression_ratio=16.5), "en", Doubt.REPEATS),
        (heard("we will eat it " * 40, -0.1, compression_ratio=2.0), "en", Doubt.REPEATS),
        (heard("چاہلے جیتے باد تھا میں"), "en", Doubt.WRONG_SCRIPT),
        (heard("ni hao, xia yi ci"), "zh", Doubt.WRONG_SCRIPT),
    ],
)
def test_the_gate(segment, language, doubt):
    assert doubt_about([segment], language) is doubt


def test_the_log_probability_is_weighted_by_duration_and_one_loop_spoils_the_whole():
    long, short = heard("a long one", -0.2, seconds=9.0), heard("a short one", -1.0, seconds=1.0)
    assert math.isclose(mean_log_probability([long, short]), -0.28)
    assert doubt_about([long, short], "en") is None
    assert doubt_about([long, heard("x", -0.1, 1.0, 17.0)], "en") is Doubt.REPEATS
    assert doubt_about([], "en") is Doubt.NO_SPEECH


@pytest.mark.parametrize(
    ("heard_language", "probability", "conversation", "used", "doubt"),
    [
        ("es", 0.65, None, "es", None),
        ("es", 0.65, "en", "es", None),  # a wrong language would be half-translated, fluently
        ("el", 0.17, "pt", "pt", None),
        ("el", 0.17, None, None, Doubt.LANGUAGE_UNSURE),
        ("bn", 0.92, None, None, Doubt.LANGUAGE_FOR_A_PERSON),
        ("ur", 0.5, "bn", None, Doubt.LANGUAGE_FOR_A_PERSON),
        ("tr", 0.69, "ckb", None, Doubt.LANGUAGE_FOR_A_PERSON),
        ("en", 0.97, "so", "en", None),
        (None, 0.0, None, None, Doubt.LANGUAGE_UNSURE),
    ],
)
def test_in_which_language_it_is_transcribed(heard_language, probability, conversation, used, doubt):
    assert language_to_use(heard_language, probability, conversation) == (used, doubt)


def test_languages_the_model_was_not_good_enough_in_wait_for_a_person():
    assert TRANSCRIBED & {"ar", "fa", "bn", "so", "ckb", "am", "ur", "pl", "ro", "sq", "tl", "uk"} == set()
