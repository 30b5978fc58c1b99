from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from evals import themes as evaluation
from evals.fit_danger import DANGEROUS_KINDS, VIEWS_FOLDER, views_by_kind
from submissions.commission import get_commission
from submissions.danger import MODEL_FILE, get_danger_detector, normalise
from submissions.theme_finding import (
    PROPOSED_FROM,
    ThemeFinder,
    embed_kept,
    exemplar_themes,
    get_finder,
    passages_of,
    tag_lines,
)
from submissions.vector_classifier import VectorClassifier, fit
from translations import embeddings
from translations.languages import LANGUAGES


def blobs(seed: int = 0) -> tuple[np.ndarray, list[set[str]], np.ndarray]:
    """Three well-separated themes of ten vectors, and their centres."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, 384)).astype(np.float32)
    vectors = np.concatenate([centre + 0.2 * random.normal(size=(10, 384)) for centre in centres])
    return vectors.astype(np.float32), [{key} for key in ("a", "b", "other") for _ in range(10)], centres


def test_the_theme_a_vector_lies_in_is_found_with_confidence() -> None:
    vectors, labels, centres = blobs()
    finder = ThemeFinder.fitted(vectors, labels, ["a", "b", "other"])
    for index, key in enumerate(["a", "b", "other"]):
        (first, *others) = finder.find(centres[index : index + 1])
        assert first.key == key
        assert first.confidence > 0.8
        assert all(other.confidence < first.confidence for other in others)


def test_a_view_between_two_themes_may_have_both() -> None:
    vectors, labels, centres = blobs()
    both = (centres[0] + centres[1] + 0.2 * np.random.default_rng(2).normal(size=(10, 384))).astype(
        np.float32
    )
    finder = ThemeFinder.fitted(
        np.concatenate([vectors, both]), [*labels, *[{"a", "b"}] * 10], ["a", "b", "other"]
    )
    assert {one.key for one in finder.find(centres[0:1] + centres[1:2])} == {"a", "b"}
    assert [one.key for one in finder.find(centres[2:3])] == ["other"]


def test_what_was_fitted_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    vectors, labels, centres = blobs()
    finder = ThemeFinder.fitted(vectors, labels, ["a", "b", "other"])
    finder.classifier.save(tmp_path / "model.npz")
    again = VectorClassifier.load(tmp_path / "model.npz")
    assert again.confidences(centres) == pytest.approx(finder.confidences(centres), abs=0.005)


def test_an_unknown_label_counts_neither_way() -> None:
    vectors, labels, centres = blobs()
    targets = np.array([[key in themes for key in ("a", "b", "other")] for themes in labels])
    known = np.ones_like(targets)
    known[:10, 1] = False  # nobody said whether the ten of "a" are "b" too
    targets[:10, 1] = True
    wrong = fit(vectors, targets).confidences(centres)[0, 1]
    right = fit(vectors, targets, known=known).confidences(centres)[0, 1]
    assert wrong > 0.7
    assert right < wrong - 0.2


def test_a_long_view_has_the_themes_of_its_passages_and_a_greeting_adds_none() -> None:
    vectors, labels, centres = blobs()
    finder = ThemeFinder.fitted(vectors, labels, ["a", "b", "other"])
    middle = (centres[0:1] + centres[1:2]) / 2
    assert {one.key for one in finder.find(middle, centres[:2])} == {"a", "b"}
    assert [one.key for one in finder.find(centres[0:1], centres[[0, 2]])] == ["a"]


def test_there_is_always_a_candidate_and_only_the_likely_ones() -> None:
    finder = get_finder()
    random = np.random.default_rng(1).normal(size=(20, 384)).astype(np.float32)
    for row in random:
        found = finder.find(row[None])
        assert found
        assert all(one.confidence >= PROPOSED_FROM for one in found[1:])


def test_lines_in_are_lines_out_in_order() -> None:
    records = [
        {"text": "There are no nursery places, so I cannot work.", "lang": "en"},
        {"text": ""},
        {"nothing": 1},
        {"text": "Ele bate-me todos os dias e tenho medo.", "lang": "pt"},
    ]
    answers = list(tag_lines(records))
    assert len(answers) == 4
    assert answers[0]["themes"][0]["key"] == "opportunity_empowerment"
    assert answers[0]["danger"]["flag"] is False
    assert answers[2]["error"] == "no text"
    assert answers[3]["danger"]["flag"] is True
    keys = set(get_commission().theme_keys)
    assert {theme["key"] for answer in answers for theme in answer["themes"]} <= keys


def test_vectors_are_kept_and_made_again_when_the_texts_change(tmp_path: Path) -> None:
    calls: list[list[str]] = []

    def embed(texts: list[str]) -> np.ndarray:
        calls.append(list(texts))
        return np.full((len(texts), embeddings.DIMENSIONS), len(calls), dtype=np.float32)

    first = embed_kept(["a", "b"], embed, tmp_path)  # type: ignore[arg-type]
    again = embed_kept(["a", "b"], embed, tmp_path)  # type: ignore[arg-type]
    changed = embed_kept(["a", "c"], embed, tmp_path)  # type: ignore[arg-type]
    assert (first == again).all()
    assert (changed == 2).all()
    assert calls == [["a", "b"], ["a", "c"]]
    assert len(list(tmp_path.iterdir())) == 2


def test_only_long_views_have_passages_and_those_lose_no_word() -> None:
    assert passages_of("Gosto desta rua. A rua é boa!", "pt") == []
    text = "Gosto desta rua. " * 50
    passages = passages_of(text, "pt")
    assert "".join(passages) == text
    assert all(300 <= len(passage) < 350 for passage in passages[:-1])
    assert len(passages_of("Gosto desta rua. " * 1000, "pt")) == 16


def test_danger_in_the_middle_of_a_long_view_is_noticed() -> None:
    calm = "I like the park and the library, and my neighbours are kind. " * 12
    (answer,) = tag_lines([{"text": f"{calm}My husband hits me and I am afraid of him. {calm}"}])
    assert answer["danger"]["flag"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("I don’t WANT to live", "i dont want to live"),
        ("Não quero viver!!", "nao quero viver"),
        ("أُرِيدُ أَنْ أَمُوتَ", "اريد ان اموت"),
        ("ｋｉｌｌ　ｍｙｓｅｌｆ", "kill myself"),
        ("k\u200bill   my\nself", "kill my self"),
        ("মেরে ফেলবে।", normalise("মেরে ফেলবে")),
    ],
)
def test_typography_makes_no_difference(text: str, plain: str) -> None:
    assert normalise(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "i don’t want to live",
        "I'm going to KILL MYSELF.",
        "não quero viver",
        "NO QUIERO VIVIR",
        "Je ne veux plus vivre",
        "أريدُ أن أموت",
        "আমি আর বাঁচতে চাই না",
        "waan ku dilayaa",
        "我不想活了",
        "хочу умереть",
        "intihar edeceğim, intihar",
    ],
)
def test_words_of_the_floor_always_count(text: str) -> None:
    assert get_danger_detector().has_phrase(text)
    (answer,) = tag_lines([{"text": f"Olá. {text} Obrigado."}])
    assert answer["danger"]["flag"]
    assert answer["danger"]["confidence"] >= 0.99


@pytest.mark.parametrize(
    "text",
    [
        "My cousin died by suicide years ago, the talking group helped me",
        "排队排到想死",
        "the bomber jacket shop",
        "skill myself up",
        "I'd kill for a coffee",
        "Estou a morrer de calor",
    ],
)
def test_parts_of_words_and_figures_of_speech_are_not_in_the_floor(text: str) -> None:
    assert not get_danger_detector().has_phrase(text)


@pytest.mark.slow
def test_themes_and_danger_on_views_nobody_trained_on() -> None:
    """Every third of the held-out views, which takes a third of the time."""
    views = evaluation.read_views()[::3]
    assert len(views) >= 150
    answers = evaluation.answer(views)
    measured = evaluation.measure_themes(views, answers)
    assert measured["macro_f1"] >= FLOOR_MACRO_F1
    danger = evaluation.measure_danger(views, answers)
    assert danger["recall"] >= FLOOR_DANGER_RECALL
    assert danger["false_alarms"] <= CEILING_FALSE_ALARMS


def test_no_sealed_view_is_among_those_that_anybody_trains_on() -> None:
    sealed = {record["text"] for records in evaluation.read_sealed() for record in records}
    learned = set(exemplar_themes(get_commission()))
    danger = YAML(typ="safe").load((MODEL_FILE.parent / "danger.yml").read_text(encoding="utf-8"))
    learned |= {text for section in danger.values() for texts in section.values() for text in texts}
    learned |= {view for _, view in views_by_kind()}
    looked_at = {record["text"] for record in [*evaluation.read_views(), *evaluation.read("danger.jsonl")]}
    assert len(sealed) == 460
    assert sealed & (learned | looked_at) == set()


def test_every_language_has_views_of_danger_and_of_what_looks_like_it() -> None:
    assert {path.stem for path in VIEWS_FOLDER.glob("*.txt")} == set(LANGUAGES)
    for path in VIEWS_FOLDER.glob("*.txt"):
        kinds = [line.split(" | ")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        assert set(kinds) >= DANGEROUS_KINDS
        assert sum(kind not in DANGEROUS_KINDS for kind in kinds) >= 10


# A little worse than what was measured of the whole development set when the models were last fitted: 0.81,
# 1.00 and 0.046. On the sealed set 92.9 % of dangers are found at 2.1 % false alarms: docs/figures.md.
FLOOR_MACRO_F1 = 0.79
FLOOR_DANGER_RECALL = 0.95
CEILING_FALSE_ALARMS = 0.06
