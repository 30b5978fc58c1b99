"""What the assistant may say and be told is what docs/architecture.md lists, and what the record's
contracts hold."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from bot.settings import BOT_FOLDER, PROJECT_FOLDER
from bot.tests.fake_gateway import load_contracts


def responses() -> dict:
    merged: dict = {}
    for path in sorted((BOT_FOLDER / "domain").glob("*.yml")):
        merged.update(yaml.safe_load(path.read_text()).get("responses", {}))
    return merged


def intents() -> set:
    return {
        name
        for path in (BOT_FOLDER / "domain").glob("*.yml")
        for name in yaml.safe_load(path.read_text()).get("intents", [])
    }


def promised_keys() -> dict:
    """Key to its options, from the table of docs/architecture.md, without what the gateway says by itself."""
    document = (PROJECT_FOLDER / "docs" / "architecture.md").read_text()
    table = document.split("## What the bot says: message keys")[1].split("The gateway's own:")[0]
    promised = {}
    for row in re.findall(r"^\| (`.+)$", table, re.MULTILINE):
        keys, _, options, when, *_ = [cell.strip() for cell in row.split("|")]
        if when.startswith("gateway"):
            continue
        for key in re.findall(r"`(\w+)`", keys):
            promised[key] = re.findall(r"`(\w+) → (\w+)`", options)
    return promised


def test_the_assistant_says_exactly_the_keys_that_were_promised():
    said = {name.removeprefix("utter_") for name in responses()}
    assert said == set(promised_keys())


@pytest.mark.parametrize("key", sorted(promised_keys()))
def test_each_key_has_its_promised_options_and_english_beside_it(key: str):
    (response,) = responses()[f"utter_{key}"]
    assert [(b["title"], b["payload"]) for b in response.get("buttons", [])] == promised_keys()[key]
    assert response["text"].strip()


def test_every_option_is_an_intent_of_the_domain():
    payloads = {payload for options in promised_keys().values() for _, payload in options}
    assert payloads <= intents()


def test_each_language_has_examples_of_each_trained_intent():
    buttons = {"language_chosen", "nlu_fallback"} | {name for name in intents() if name.startswith("choose_")}
    for path in sorted((BOT_FOLDER / "data" / "nlu").glob("*.yml")):
        found = {
            block["intent"]: block["examples"].count("\n")
            for block in yaml.safe_load(path.read_text())["nlu"]
        }
        assert set(found) == intents() - buttons, path.name
        assert min(found.values()) >= 12, path.name


def test_there_is_a_contract_for_each_call_of_the_client():
    source = (BOT_FOLDER / "actions" / "submissions_client.py").read_text()
    calls = {f"/internal/bot/{name}" for name in re.findall(r'_post\("([a-z-]+)"', source)}
    assert calls == set(load_contracts())
    assert all(json.dumps(contract["answer"]) for contract in load_contracts().values())
