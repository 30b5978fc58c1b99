"""The catalogues: complete in English, agreeing with it in every other language, and safe on a telephone."""

import re

import pytest

from channels import wording as wording_module
from channels.errors import MissingArgument, UnknownMessageKey
from channels.opt_out_keywords import CARRIER_WORDS
from channels.wording import (
    FALLBACK_LANGUAGE,
    catalogue_languages,
    load_catalogue,
    missing_keys,
    placeholders,
    wording,
)
from submissions.settings import PROJECT_FOLDER

OTHER_LANGUAGES = sorted(catalogue_languages() - {FALLBACK_LANGUAGE})


def promised_keys() -> set[str]:
    """The keys named in the first and third columns of the table in docs/architecture.md."""
    text = (PROJECT_FOLDER / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.split("## What the bot says: message keys")[1].split("## Names inside")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    keys = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row[1])}
    options = {key for row in rows for key in re.findall(r"`(option_[a-z_]+)", row[3])}
    assert len(keys) > 30
    return keys | options | {"too_long", "not_text"}


def test_english_has_a_wording_for_every_key_the_parts_promise_each_other():
    assert promised_keys() - load_catalogue("en").keys == set()
    assert load_catalogue("en").is_reviewed


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_a_language_lacks_no_key(language):
    assert missing_keys(language) == []


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_a_translation_names_the_same_arguments_as_the_english(language):
    english, other = load_catalogue("en"), load_catalogue(language)
    differing = {
        key: (placeholders(text), placeholders(english.find(key) or ""))
        for (key, channel), text in other.texts.items()
        # A wording for one channel may be shorter and leave something out.
        if (placeholders(text) != placeholders(english.find(key) or "") and channel is None)
        or not placeholders(text) <= placeholders(english.find(key) or "")
    }
    assert differing == {}


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_a_language_has_no_key_that_english_does_not_know(language):
    assert load_catalogue(language).keys - load_catalogue("en").keys == set()


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_no_button_is_a_word_telephone_companies_act_upon(language):
    reserved = CARRIER_WORDS | {"yes", "start", "unstop"}
    titles = {text for (key, _), text in load_catalogue(language).texts.items() if key.startswith("option_")}
    assert {title for title in titles if title.strip(" .!").casefold() in reserved} == set()


def test_a_key_missing_in_a_language_is_said_in_english(tmp_path, monkeypatch):
    folder = tmp_path / "pt" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        'msgid ""\nmsgstr ""\n"X-Review-Status: unreviewed\\n"\n\n'
        'msgid "option_finish"\nmsgstr "Terminar"\n\n'
        'msgid "addition_saved"\nmsgstr "Obrigado. {referencia}"\n\n'
        'msgctxt "sms"\nmsgid "option_finish"\nmsgstr "Fim de tudo"\n',
        encoding="utf-8",
    )
    english = load_catalogue("en")
    monkeypatch.setattr(wording_module, "CATALOGUES_FOLDER", tmp_path)
    load_catalogue.cache_clear()
    try:
        monkeypatch.setattr(
            wording_module, "load_catalogue", lambda code: english if code == "en" else load_catalogue(code)
        )
        assert wording("option_finish", "pt").text == "Terminar"
        assert wording("option_finish", "pt", "sms").text == "Fim de tudo"
        assert wording("option_send", "pt").language == "en"
        # A wording whose arguments do not match would show a hole: the English one is right.
        assert wording("addition_saved", "pt", reference="OW-7K3M-92QF").language == "en"
        assert load_catalogue("pt").is_reviewed is False
        assert "option_send" in missing_keys("pt")
    finally:
        load_catalogue.cache_clear()


def test_a_language_without_a_catalogue_is_answered_in_english():
    assert wording("option_send", "xx").language == "en"
    assert wording("option_send", None).language == "en"
    assert wording("option_send", "../../etc").language == "en"


def test_an_unknown_key_and_a_missing_argument_are_errors_of_ours():
    with pytest.raises(UnknownMessageKey):
        wording("no_such_key", "en")
    with pytest.raises(MissingArgument, match="reference"):
        wording("submission_saved", "en")


def test_braces_in_an_argument_are_not_read_as_arguments():
    assert "{council}" in wording("addition_saved", "en", reference="{council}").text


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_the_button_that_sends_the_view_is_not_called_like_the_one_that_sends_a_message(language):
    """Both are on the page at once; somebody who hears the page read out could not tell them apart."""
    sends_view = wording("option_send", language, "web_chat").text
    assert sends_view.casefold() != wording("ui_send", language, "web_chat").text.casefold()
