"""What is shown for a key: buttons on the web, numbers on the phone, each text in its own direction."""

import pytest

from channels.commission_words import commission_arguments
from channels.rendering import DraftTexts, render
from channels.ui_words import best_language
from submissions.commission import get_commission
from submissions.models import Channel

OPTIONS = [{"key": "option_send", "payload": "affirm"}, {"key": "option_change", "payload": "deny"}]


def test_options_are_buttons_on_the_web_and_numbered_lines_on_the_phone():
    web = render("ask_send", {}, OPTIONS, "en", Channel.WEB_CHAT)
    phone = render("ask_send", {}, OPTIONS, "en", Channel.SMS)
    assert (
        web.options
        == phone.options
        == [
            {"title": "Send it", "payload": "affirm"},
            {"title": "Change it", "payload": "deny"},
        ]
    )
    assert web.text == "Shall I send it to the team?"
    assert phone.text == "Shall I send it to the team?\n1. Send it\n2. Change it"


def test_a_preview_shows_both_texts_each_in_its_own_direction():
    draft = DraftTexts("المكتبة مغلقة", "ar", "The library is closed")
    shown = render("preview_translated", {"draft_id": "x"}, [], "ar", Channel.WEB_CHAT, draft=draft)
    assert [(block["role"], block["lang"], block["dir"]) for block in shown.blocks] == [
        ("message", "ar", "rtl"),
        ("label", "ar", "rtl"),
        ("original", "ar", "auto"),
        ("label", "ar", "rtl"),
        ("translation", "en", "ltr"),
    ]
    assert shown.text.endswith("The library is closed")
    assert (shown.language, shown.dir) == ("ar", "rtl")


@pytest.mark.parametrize("key", ["preview_english", "preview_person", "preview_later"])
def test_the_other_previews_show_the_original_alone(key):
    draft = DraftTexts("Maktabadda waa xiran tahay", "so", None)
    blocks = render(key, {}, [], "en", Channel.WEB_CHAT, draft=draft).blocks
    assert [(block["role"], block["text"]) for block in blocks[1:]] == [("original", draft.original)]


def test_a_reference_inside_arabic_stands_apart_so_that_it_is_not_turned_round():
    web = render("submission_saved", {"reference": "OW-7K3M-92QF"}, [], "ar", Channel.WEB_CHAT)
    assert "\u2068OW-7K3M-92QF\u2069" in web.text
    phone = render("submission_saved", {"reference": "OW-7K3M-92QF"}, [], "ar", Channel.SMS)
    assert "\u2068" not in phone.text  # old telephones show a box for it


def test_danger_help_has_every_help_line_of_the_commission_at_once():
    commission = get_commission()
    for language in ("en", "ar", "so"):
        text = render("danger_help", {}, [], language, Channel.SMS).text
        for line in commission.help_lines:
            assert (line.number or "") in text
            assert (line.website or "") in text


def test_names_and_dates_come_from_the_commission_s_file():
    values = commission_arguments(get_commission(), "pt")
    assert (values["evidence_period"], values["report_date"]) == (
        "junho de 2016 - agosto de 2016",
        "novembro de 2016",
    )
    assert get_commission().contact.email in render("privacy_answer", {}, [], "en", Channel.WEB_CHAT).text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("sv, ar;q=0.5, fr;q=0.7", "fr"),
        ("en;q=0, es", "es"),
        ("*", None),
        ("", None),
        (";;;q=,=x" * 400, None),
    ],
)
def test_the_browser_s_languages_are_read_by_weight(header, language):
    assert best_language(header, get_commission()) == language
