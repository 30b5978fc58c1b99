from __future__ import annotations

from pathlib import Path

import pytest

from translations import stock_phrases as module
from translations.assembly import translate_texts
from translations.errors import TranslationFailed
from translations.registry import open_registry
from translations.stock_phrases import stock_phrases, translate_phrase

FILES = sorted(module._FOLDER.glob("*.txt"))

assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_of_every_file_can_be_read(path: Path) -> None:
    source, target = path.stem.split("-")
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert len(stock_phrases(source, target)) == len(lines)  # none stands twice


def test_a_pair_without_a_file_has_none() -> None:
    assert stock_phrases("so", "en") == {}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Thank you.", "Obrigado."),
        ("THANK  you!!", "Obrigado!!"),
        ("We’re sorry.", "Pedimos desculpa."),
        ("Kind regards,", "Com os melhores cumprimentos,"),
        ("Thank you for nothing.", None),
        ("", None),
        ("...", None),
    ],
)
def test_a_sentence_is_a_phrase_or_it_is_not(sentence: str, expected: str | None) -> None:
    assert translate_phrase(sentence, stock_phrases("en", "pt")) == expected


def test_only_what_is_no_phrase_reaches_the_model() -> None:
    asked: list[str] = []

    def translate(sentences: list[str]) -> list[str | TranslationFailed]:
        asked.extend(sentences)
        return [sentence.replace("bins are full", "caixas estão cheias") for sentence in sentences]

    (text,) = translate_texts(
        ["Thank you.\n\nThe bins are full. Thank you!"],
        translate,  # type: ignore[arg-type]
        source_language="en",
        model="words",
        phrases=stock_phrases("en", "pt"),
    )
    assert text == "Obrigado.\n\nThe caixas estão cheias. Obrigado!"
    assert asked == ["The bins are full."]


def test_a_broken_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xx-en.txt").write_text("# a word\nhello\n", "utf-8")
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"xx-en\.txt, line 2"):
        stock_phrases("xx", "en")


def test_thanks_and_a_call_for_help_say_so_with_the_bundled_models(tmp_path: Path) -> None:
    with_bundled = open_registry(tmp_path)
    thanks = with_bundled.translate_segment(
        "Thank you. The bins will be emptied.", source_language="en", target_language="pt"
    )
    assert thanks.text.startswith("Obrigado. ")
    assert "edição" not in thanks.text
    help_wanted = with_bundled.translate_segment("Socorro!", source_language="pt", target_language="en")
    assert help_wanted.text == "Help!"
    with_bundled.close()
