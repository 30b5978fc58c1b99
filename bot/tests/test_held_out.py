"""What is measured with is not trained on."""

from __future__ import annotations

import json
from typing import Iterator

import pytest
import yaml

from bot.components.text_normalising import normalise
from bot.settings import BOT_FOLDER, PROJECT_FOLDER

HELD_OUT = ("intents", "intents_heldout", "intents_sealed")
SEVEN = {"ar", "bn", "en", "es", "fr", "pt", "so"}


def trained_on() -> Iterator[str]:
    for path in (BOT_FOLDER / "data" / "nlu").glob("*.yml"):
        for block in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["nlu"]:
            for line in block["examples"].splitlines():
                yield line.strip().removeprefix("- ")


def held_out(folder: str) -> list:
    paths = sorted((PROJECT_FOLDER / "evals" / folder).glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines() if line.strip()]


@pytest.fixture(scope="module")
def examples() -> set:
    return {normalise(text) for text in trained_on()}


@pytest.mark.parametrize("folder", HELD_OUT)
def test_no_held_out_message_is_a_training_example(folder: str, examples: set):
    # By number, not by text: the messages of the sealed sets are not to be read, least of all in a log.
    repeated = [i for i, line in enumerate(held_out(folder)) if normalise(line["text"]) in examples]
    assert held_out(folder)
    assert not repeated, f"{len(repeated)} messages of evals/{folder} are training examples"


def test_the_held_out_set_has_each_intent_in_each_of_the_seven_languages():
    lines = held_out("intents_heldout")
    assert {line["lang"] for line in lines} == SEVEN
    intents = {line["intent"] for line in lines}
    assert len(intents) == 14
    for language in SEVEN:
        own = [line for line in lines if line["lang"] == language]
        assert len(own) >= 60
        assert {line["intent"] for line in own} == intents
