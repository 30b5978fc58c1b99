"""What a prompt costs as a text message: within two parts in every language, options included."""

import re

import pytest

from channels.rendering import render
from channels.sms_text import count_sms_parts, measure_sms
from channels.wording import catalogue_languages, load_catalogue
from submissions.commission import load_commission
from submissions.models import Channel
from submissions.settings import PROJECT_FOLDER

COMMISSION = load_commission(PROJECT_FOLDER / "commission.yml")
ARGUMENTS = {
    "reference": "OW-7K3M-92QF",
    "draft_id": "",
    "limit": 1600,
    "length": 2000,
    "seconds": 20,
    "count": 3,
    "forum": "Queen's Park open forum",
    "address": "https://views.example.org/my-submission",
}
# Help lines are all there is to say; a preview and what was heard repeat the resident's own words.
LONGER = re.compile(r"danger_help|voice_note_heard|preview_.*|ui_.*|option_.*|label_.*")
OF_THE_GATEWAY = {
    "ask_stop": ["option_stop_writing", "option_go_on"],
    "ask_hear_back": ["option_hear_back", "option_hear_nothing"],
}


def options_by_key() -> dict[str, list[str]]:
    """Which options the assistant offers with which message, by the table of docs/architecture.md."""
    table = (PROJECT_FOLDER / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ]+) \|[^|]*\|([^|]*)\|", table, re.MULTILINE)
    return {
        key: re.findall(r"`(option_[a-z_]+)", options)
        for keys, options in rows
        for key in re.findall(r"\w+", keys)
    } | OF_THE_GATEWAY


def prompt(key: str, language: str) -> str:
    options = [{"key": option, "payload": "x"} for option in options_by_key().get(key, [])]
    return render(key, ARGUMENTS, options, language, Channel.SMS, commission=COMMISSION).text


def test_the_table_of_options_is_read():
    assert options_by_key()["ask_consent"] == ["option_agree", "option_disagree", "option_privacy"]


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_every_prompt_fits_two_parts(language):
    keys = [key for key in sorted(load_catalogue("en").keys) if not LONGER.fullmatch(key)]
    assert len(keys) > 30
    sizes = {key: measure_sms(prompt(key, language)) for key in keys}
    assert {key: size for key, size in sizes.items() if size.parts > 2} == {}


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_the_language_menu_shows_what_fits_and_takes_the_numbers_of_all(language):
    rendered = render("choose_language", {}, [], language, Channel.SMS, commission=COMMISSION)
    assert count_sms_parts(rendered.text) <= 2
    assert len(rendered.options) == len(COMMISSION.languages)
    shown = rendered.text.count("\n")
    assert shown >= 4
    assert rendered.text.splitlines()[1:] == [
        f"{number}. {option['title']}" for number, option in enumerate(rendered.options[:shown], 1)
    ]
