import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translations.errors import TranslationFailed
from translations.protected import find_protected
from translations.protection import translate_protecting
from translations.registry import open_registry


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Veja https://exemplo.org/a?b=1. Obrigado", {"https://exemplo.org/a?b=1": "url"}),
        ("ana.silva+lixo@cm-porto.pt!", {"ana.silva+lixo@cm-porto.pt": "email"}),
        ("ref. OW-7K3M-92QF, ok", {"OW-7K3M-92QF": "reference"}),
        ("ligue 01282 425 011 ou +44 7700 900123", {"01282 425 011": "phone", "+44 7700 900123": "phone"}),
        ("custa £12.50 ou 5 €", {"£12.50": "amount", "5 €": "amount"}),
        ("BB11 3QH 👩‍👩‍👧 fim", {"BB11 3QH": "postcode", "👩‍👩‍👧": "emoji"}),
        ("em 2024 havia 15 casas no dia 12/03/2026", {}),
        ("fale com @burnleycouncil", {"@burnleycouncil": "handle"}),
    ],
)
def test_protected_things_are_found(text, kinds):
    assert {text[span.start : span.end]: span.kind for span in find_protected(text)} == kinds


def test_names_are_found_whole_the_longest_first():
    text = "Em Burnley Wood e burnley, não em Burnleyfield"
    spans = find_protected(text, ["Burnley", "Burnley Wood"])
    assert [text[span.start : span.end] for span in spans] == ["Burnley Wood", "burnley"]


@pytest.mark.parametrize(
    "kept",
    [
        "ana@cm.pt",
        "https://exemplo.org/rua?x=1",
        "OW-7K3M-92QF",
        "0161 234 5678",
        "😀",
        "👩‍👩‍👧",
        "BB11 3QH",
        "@cm_porto",
    ],
)
def test_each_kind_survives_a_real_translation_at_the_edges_and_inside(tmp_path, kept):
    registry = open_registry(tmp_path)
    for text in (f"Escrevam para {kept} por favor", f"{kept} é importante", f"Obrigada pela ajuda {kept}"):
        translation = registry.translate_segment(text, source_language="pt", target_language="en").text
        assert translation.count(kept) == 1, translation
        assert "por favor" not in translation


def test_names_and_glossary_terms_are_carried(tmp_path):
    registry = open_registry(
        tmp_path, names=["Rua das Flores"], glossary={"pt-en": {"a câmara": "the council"}}
    )
    translation = registry.translate_segment(
        "Na Rua das Flores a câmara não limpa.", source_language="pt", target_language="en"
    ).text
    assert "Rua das Flores" in translation
    assert "the council" in translation


def test_a_model_that_loses_everything_still_keeps_what_is_protected():
    def forgetful(sentences):
        return ["xx" for _ in sentences]

    (found,) = translate_protecting(["Escrevam para ana@cm.pt ou liguem 0161 234 5678 hoje"], forgetful)
    assert found == "xx ana@cm.pt xx 0161 234 5678 xx"


def test_a_failure_in_a_piece_fails_its_sentence_only():
    def fails_on_hoje(sentences):
        return [TranslationFailed("crashed", "m") if "hoje" in text else "xx" for text in sentences]

    first, second = translate_protecting(["ana@cm.pt fala hoje", "Liguem 0161 234 5678 já"], fails_on_hoje)
    assert isinstance(first, TranslationFailed)
    assert second == "xx 0161 234 5678 xx"


pieces = st.sampled_from(
    ["olá", "ana@cm.pt", "😀", "OW-7K3M-92QF", "rua", " ", "0161 234 5678", ".", "https://a.org/b"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=8).map(" ".join))
def test_whatever_the_mixture_everything_protected_is_there_afterwards(text):
    (found,) = translate_protecting([text], lambda sentences: ["xx"] * len(sentences))
    kept = [text[span.start : span.end] for span in find_protected(text)]
    assert all(str(found).count(thing) >= kept.count(thing) for thing in kept)
