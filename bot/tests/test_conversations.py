"""Whole conversations with the running assistant, in several languages and scripts."""

from __future__ import annotations

import pytest

from bot.tests.conftest import Talk

PORTUGUESE_VIEW = "O parque está escuro à noite e as crianças têm medo de passar por lá depois da escola."
SECOND_PART = "Também falta um lugar onde os vizinhos de várias religiões se possam encontrar."


def test_a_view_goes_from_the_first_word_to_a_reference(talk: Talk):
    assert talk.choose("language_chosen") == ["welcome", "ask_consent"]
    assert [o["payload"] for o in talk.last["replies"][1]["options"]] == ["affirm", "deny", "ask_privacy"]
    assert talk.choose("affirm") == ["ask_view"]
    assert talk.write(PORTUGUESE_VIEW) == ["view_kept"]
    assert talk.write("isto é anónimo?") == ["privacy_answer", "view_kept"]
    assert talk.write(SECOND_PART) == ["view_kept"]
    assert talk.choose("deny") == ["preview_translated", "ask_send"]
    assert talk.last["replies"][1]["arguments"] == {"draft_id": "draft-of-2"}
    assert talk.choose("affirm") == ["submission_saved"]
    parts = [talk.message_ids[2], talk.message_ids[4]]
    assert talk.calls("submissions") == [{"conversation_id": talk.conversation_id, "message_ids": parts}]
    assert talk.calls("consents") == [
        {"conversation_id": talk.conversation_id, "message_id": talk.message_ids[1], "agreed": True}
    ]
    assert talk.last["replies"][0]["arguments"]["reference"].startswith("OW-")


@pytest.mark.parametrize(
    ("greeting", "agree", "view", "finish", "send"),
    [
        (
            "hello",
            "I agree",
            "The buses stop at nine and the night workers must walk home",
            "that's all",
            "send it",
        ),
        ("olá", "concordo", PORTUGUESE_VIEW, "é tudo", "sim, pode enviar"),
        (
            "مرحبا",
            "نعم موافق",
            "الشارع مظلم في الليل والنساء يخفن من المشي وحدهن إلى البيت",
            "لا، هذا كل شيء",
            "نعم أرسل",
        ),
    ],
)
def test_a_view_can_be_given_in_words_alone(talk: Talk, greeting, agree, view, finish, send):
    assert talk.write(greeting) == ["welcome", "ask_consent"]
    assert talk.write(agree) == ["ask_view"]
    assert talk.write(view) == ["view_kept"]
    assert talk.write(finish) == ["preview_translated", "ask_send"]
    assert talk.write(send) == ["submission_saved"]


@pytest.mark.parametrize("translation", ["not_needed", "ready", "person", "later"])
def test_each_state_of_the_translation_has_its_preview(collecting: Talk, translation: str):
    collecting.assistant.gateway.translation = translation
    collecting.write(PORTUGUESE_VIEW)
    key = {"not_needed": "english", "ready": "translated"}.get(translation, translation)
    assert collecting.choose("deny") == [f"preview_{key}", "ask_send"]


def test_a_view_written_before_consent_is_its_first_part(talk: Talk):
    assert talk.write(PORTUGUESE_VIEW) == ["view_kept_before_consent", "ask_consent"]
    assert talk.calls("consents") == []
    assert talk.choose("affirm") == ["view_kept"]
    talk.choose("deny")
    assert talk.calls("drafts")[-1]["message_ids"] == [talk.message_ids[0]]


def test_the_announcement_of_a_view_is_not_a_view(talk: Talk):
    assert talk.write("quero dar a minha opinião") == ["ask_consent"]
    assert talk.choose("affirm") == ["ask_view"]


def test_who_does_not_agree_sends_nothing_and_may_begin_again(talk: Talk):
    talk.write(PORTUGUESE_VIEW)
    assert talk.choose("deny") == ["consent_refused"]
    assert talk.calls("consents")[0]["agreed"] is False
    assert talk.write("isto é anónimo?") == ["privacy_answer"]
    assert talk.choose("submit_view") == ["ask_consent"]
    assert talk.choose("affirm") == ["ask_view"]


def test_a_question_at_the_very_start_is_answered_and_leads_on(talk: Talk):
    assert talk.write("isto é anónimo?") == ["privacy_answer", "ask_consent"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what is this commission for?", ["commission_answer", "view_kept"]),
        ("I want to speak to a real person", ["human_contact", "view_kept"]),
        ("can we change the language please", ["choose_language"]),
    ],
)
def test_an_interruption_is_answered_and_is_no_part_of_the_view(collecting: Talk, question, answer):
    collecting.write(PORTUGUESE_VIEW)
    assert collecting.write(question) == answer
    assert collecting.choose("language_chosen") == ["view_kept"]
    collecting.choose("deny")
    assert len(collecting.calls("drafts")[-1]["message_ids"]) == 1


def test_a_long_text_that_sounds_like_a_question_is_part_of_the_view(collecting: Talk):
    text = (
        "I want to know what the commission will do about privacy for families in the hostel, because the "
        "staff walk into our rooms without knocking and nobody listens when we say that it frightens the "
        "children at night"
    )
    assert collecting.write(text) == ["view_kept"]


def test_danger_inside_the_form_gets_help_at_once_and_stays_part_of_the_view(collecting: Talk):
    assert collecting.write("my husband is hitting me, I am afraid he will kill me") == [
        "danger_help",
        "view_kept",
    ]
    assert collecting.calls("danger-reports")[0]["message_id"] == collecting.message_ids[-1]
    collecting.choose("deny")
    assert collecting.calls("drafts")[-1]["message_ids"] == [collecting.message_ids[-2]]


def test_danger_before_anything_else_gets_help_at_once(talk: Talk):
    assert talk.write("I want to kill myself") == ["danger_help"]
    assert len(talk.calls("danger-reports")) == 1


def test_help_does_not_wait_for_the_record_and_the_flag_is_set_later(collecting: Talk):
    collecting.assistant.gateway.broken.add("danger-reports")
    assert collecting.write("my husband is hitting me, I am afraid he will kill me")[0] == "danger_help"
    collecting.assistant.gateway.broken.clear()
    collecting.write("he said he will kill me tonight, please help me")
    reported = [call["message_id"] for call in collecting.calls("danger-reports")]
    assert reported[-2:] == collecting.message_ids[-2:]


def test_a_view_can_be_changed_before_it_is_sent(collecting: Talk):
    collecting.write(PORTUGUESE_VIEW)
    collecting.choose("deny")
    assert collecting.choose("deny") == ["ask_change"]
    assert collecting.choose("choose_add_more") == ["ask_more_words"]
    assert collecting.write(SECOND_PART) == ["view_kept"]
    assert collecting.choose("deny") == ["preview_translated", "ask_send"]
    assert len(collecting.calls("drafts")[-1]["message_ids"]) == 2
    collecting.choose("deny")
    assert collecting.choose("choose_start_again") == ["ask_view"]
    assert collecting.write(SECOND_PART) == ["view_kept"]
    collecting.choose("deny")
    assert collecting.calls("drafts")[-1]["message_ids"] == [collecting.message_ids[-2]]
    collecting.choose("deny")
    assert collecting.choose("choose_discard") == ["view_discarded"]
    assert collecting.calls("submissions") == []
    assert collecting.choose("submit_view") == ["ask_view"]


def test_what_is_written_after_the_preview_is_kept_and_shown(collecting: Talk):
    collecting.write(PORTUGUESE_VIEW)
    collecting.choose("deny")
    assert collecting.write(SECOND_PART) == ["preview_translated", "ask_send"]
    assert len(collecting.calls("drafts")[-1]["message_ids"]) == 2


def test_an_interruption_at_the_preview_does_not_make_a_second_draft(collecting: Talk):
    collecting.write(PORTUGUESE_VIEW)
    collecting.choose("deny")
    assert collecting.choose("ask_privacy") == ["privacy_answer", "ask_send"]
    assert len(collecting.calls("drafts")) == 1


@pytest.mark.parametrize("call", ["drafts", "submissions"])
def test_when_the_record_is_down_nothing_is_lost_and_it_can_be_tried_again(collecting: Talk, call: str):
    collecting.write(PORTUGUESE_VIEW)
    collecting.assistant.gateway.broken.add(call)
    if call == "drafts":
        assert collecting.choose("deny") == ["submission_not_saved"]
        assert collecting.choose("affirm") == ["submission_not_saved"]
        collecting.assistant.gateway.broken.clear()
        assert collecting.choose("affirm") == ["preview_translated", "ask_send"]
    else:
        collecting.choose("deny")
        assert collecting.choose("affirm") == ["submission_not_saved"]
        assert collecting.choose("affirm") == ["submission_not_saved"]
        collecting.assistant.gateway.broken.clear()
    assert collecting.choose("affirm") == ["submission_saved"]


@pytest.fixture
def submitted(collecting: Talk) -> Talk:
    collecting.write(PORTUGUESE_VIEW)
    collecting.choose("deny")
    assert collecting.choose("affirm") == ["submission_saved"]
    return collecting


def test_another_view_after_a_sent_one_is_added_or_new(submitted: Talk):
    assert submitted.write(SECOND_PART) == ["ask_add_or_new"]
    reference = submitted.last["replies"][0]["arguments"]["reference"]
    waiting = submitted.message_ids[-1]
    assert submitted.choose("choose_add_to") == ["addition_saved"]
    assert submitted.calls("additions") == [
        {"conversation_id": submitted.conversation_id, "reference": reference, "message_ids": [waiting]}
    ]
    assert submitted.write(SECOND_PART) == ["ask_add_or_new"]
    assert submitted.choose("choose_new_view") == ["view_kept"]
    assert submitted.choose("deny") == ["preview_translated", "ask_send"]
    assert submitted.choose("affirm") == ["submission_saved"]
    assert len(submitted.calls("submissions")) == 2
    assert submitted.calls("submissions")[1]["message_ids"] == [submitted.message_ids[-4]]


def test_words_that_wait_for_their_place_are_dropped_only_when_no_is_said_twice(submitted: Talk):
    assert submitted.write(SECOND_PART) == ["ask_add_or_new"]
    assert submitted.write("é só isso") == ["ask_add_or_new"]
    waiting = submitted.message_ids[-2]
    assert submitted.choose("choose_add_to") == ["addition_saved"]
    assert submitted.calls("additions")[0]["message_ids"] == [waiting]
    assert submitted.write(SECOND_PART) == ["ask_add_or_new"]
    assert submitted.choose("deny") == ["ask_add_or_new"]
    assert submitted.choose("deny") == ["view_discarded"]
    assert submitted.choose("choose_add_to") == ["ask_view"]  # nothing waits any more


def test_a_yes_after_a_sent_view_is_thanked_and_a_wish_to_add_is_asked_where(submitted: Talk):
    assert submitted.write("ok") == ["goodbye"]
    assert submitted.write("quero acrescentar uma coisa") == ["ask_add_or_new"]
    assert submitted.choose("choose_add_to") == ["ask_view"]


def test_who_only_announces_more_is_asked_for_the_words(submitted: Talk):
    assert submitted.choose("submit_view") == ["ask_add_or_new"]
    assert submitted.choose("choose_add_to") == ["ask_view"]
    assert submitted.write(SECOND_PART) == ["view_kept"]
    submitted.choose("deny")
    assert submitted.choose("affirm") == ["addition_saved"]
    assert len(submitted.calls("submissions")) == 1


def test_withdrawing_asks_first_and_only_a_yes_to_that_question_withdraws(submitted: Talk):
    assert submitted.write("quero retirar o que enviei") == ["ask_withdraw"]
    assert submitted.choose("deny") == ["withdraw_kept"]
    assert submitted.choose("withdraw") == ["ask_withdraw"]
    assert submitted.choose("ask_privacy") == ["privacy_answer"]
    submitted.choose("affirm")
    assert submitted.calls("withdrawals") == []
    assert submitted.choose("withdraw") == ["ask_withdraw"]
    assert submitted.choose("affirm") == ["withdraw_done"]
    assert submitted.choose("withdraw") == ["withdraw_already"]


def test_who_says_it_again_when_asked_has_said_yes(submitted: Talk):
    assert submitted.write("quero retirar o que enviei") == ["ask_withdraw"]
    assert submitted.write("quero retirar a minha opinião") == ["withdraw_done"]


def test_a_sent_view_can_be_withdrawn_while_another_is_being_written(submitted: Talk):
    submitted.choose("submit_view")
    submitted.choose("choose_new_view")
    submitted.write(SECOND_PART)
    assert submitted.choose("withdraw") == ["ask_withdraw"]
    assert submitted.choose("affirm") == ["withdraw_done", "view_kept"]
    submitted.choose("deny")
    assert submitted.choose("affirm") == ["submission_saved"]


def test_status_and_withdrawal_of_nothing_say_so(talk: Talk):
    assert talk.choose("check_status") == ["status_ask_reference"]
    assert talk.choose("check_status") == ["status_not_found"]
    assert talk.choose("withdraw") == ["withdraw_not_found"]


def test_status_names_the_reference(submitted: Talk):
    assert submitted.write("em que ponto está o meu envio?") == ["status_being_translated"]


def test_stop_ends_the_form_and_what_was_written_waits(collecting: Talk):
    collecting.write(PORTUGUESE_VIEW)
    assert collecting.choose("stop") == ["stopped"]
    assert collecting.choose("submit_view") == ["view_kept"]
    collecting.choose("deny")
    assert len(collecting.calls("drafts")[-1]["message_ids"]) == 1


def test_not_being_sure_asks_and_keeps_a_long_text_for_the_answer(talk: Talk):
    assert talk.choose("nlu_fallback") == ["fallback_ask"]
    assert [o["key"] for o in talk.last["replies"][0]["options"]] == [
        "option_start",
        "option_privacy",
        "option_human",
    ]


def test_a_change_of_language_says_the_last_thing_again(submitted: Talk):
    submitted.choose("withdraw")
    assert submitted.choose("change_language") == ["choose_language"]
    assert submitted.choose("language_chosen") == ["ask_withdraw"]
