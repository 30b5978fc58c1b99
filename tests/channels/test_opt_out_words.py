"""The words that stop our messages, in each language: all known, and none that means something else to us."""

import pytest
import yaml

from channels.opt_out_keywords import WORDS_FOLDER, asks_to_stop
from channels.wording import catalogue_languages, load_catalogue
from submissions.settings import PROJECT_FOLDER
from translations.languages import normalise_name

LANGUAGES = sorted(path.stem for path in WORDS_FOLDER.glob("*.txt") if not path.stem.endswith("_not"))
NLU_FOLDER = PROJECT_FOLDER / "bot/data/nlu"


def lines(name: str) -> list[str]:
    text = (WORDS_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_forty_ways_to_ask_us_to_stop_and_all_of_them_do(language):
    phrases = lines(language)
    assert len({normalise_name(phrase) for phrase in phrases}) >= 40
    assert [phrase for phrase in phrases if not asks_to_stop(phrase.upper() + " !", on_phone=False)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_view_that_only_sounds_like_it_stops_nothing(language):
    views = lines(f"{language}_not")
    assert len(views) >= 10
    assert [view for view in views if asks_to_stop(view, on_phone=True)] == []


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_typing_what_a_button_says_never_stops_our_messages(language):
    titles = {
        key: text for (key, _), text in load_catalogue(language).texts.items() if key.startswith("option_")
    }
    assert {key: text for key, text in titles.items() if asks_to_stop(text, on_phone=True)} == {}


@pytest.mark.parametrize("language", sorted(path.stem for path in NLU_FOLDER.glob("*.yml")))
def test_no_example_of_another_intent_is_taken_for_a_wish_to_stop(language):
    training = yaml.safe_load((NLU_FOLDER / f"{language}.yml").read_text(encoding="utf-8"))["nlu"]
    examples = [
        (block["intent"], line.removeprefix("- "))
        for block in training
        if block["intent"] != "stop"
        for line in block["examples"].splitlines()
    ]
    assert [example for example in examples if asks_to_stop(example[1], on_phone=False)] == []
