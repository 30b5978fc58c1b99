"""The featurizer, the classifier and the traits of a text, by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.nlu.training_data.message import Message

from bot.channel.assistant import make_harmless
from bot.channel.text_traits import describe_text
from bot.components.careful_fallback import CarefulFallback
from bot.components.e5_featurizer import DIMENSIONS, EmbeddingCache, embed
from bot.components.intent_model import NEIGHBOURS, IntentModel, Neighbours
from bot.components.text_normalising import normalise
from bot.settings import BOT_FOLDER, SettingsError, load_settings

EXAMPLES = [
    ("hello", "greet"),
    ("good morning", "greet"),
    ("olá, bom dia", "greet"),
    ("goodbye and thanks", "goodbye_thanks"),
    ("thank you, bye", "goodbye_thanks"),
    ("obrigado, adeus", "goodbye_thanks"),
]


@pytest.mark.parametrize(
    ("text", "words", "is_substantive"),
    [
        ("I want to say something", 5, False),
        ("one two three four five six seven eight", 8, True),
        ("Unverhältnismäßigkeitsgrundsatz überall!", 2, True),
        ("我想说", 2, False),
        ("公园晚上太黑了，孩子们害怕走过去。", 8, True),
        ("الشارع مظلم في الليل والأطفال يخافون منه كثيرا", 8, True),
        ("", 0, False),
        ("😀 !!!", 0, False),
    ],
)
def test_a_view_is_told_from_its_announcement_by_length_in_any_script(text, words, is_substantive):
    traits = describe_text(text)
    assert (traits.words, traits.is_substantive) == (words, is_substantive)


@pytest.mark.parametrize("text", ["/affirm", "  /affirm", "", "   "])
def test_no_text_is_a_command_or_nothing_to_rasa(text):
    harmless = make_harmless(text)
    assert harmless.strip()
    assert not harmless.strip().startswith("/")


def test_hurried_and_careful_typing_look_alike():
    assert normalise("É   ANÓNIMO???") == normalise("e anonimo")
    assert normalise("شكراً جزيلاً أستاذة") == normalise("شكرا جزيلا استاذه")
    assert normalise("hellooooo") == "hello"


def test_bengali_keeps_its_vowels_when_made_alike():
    assert normalise("ভুল, ঠিক আছে!") == "ভুল ঠিক আছে"
    assert normalise("আগুন") != normalise("আগেন")
    assert normalise("ক্ত") != normalise("কত")


def test_vectors_are_of_length_one_and_the_cache_gives_them_back(tmp_path: Path):
    texts = ["olá", "مرحبا", "olá"]
    cache = EmbeddingCache(tmp_path / "vectors.npz")
    first = cache.embed_all(texts)
    cache.save()
    again = EmbeddingCache(tmp_path / "vectors.npz").embed_all(texts)
    assert len(first) == 3
    for text, one, other in zip(texts, first, again, strict=True):
        assert one.shape == (DIMENSIONS,)
        assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-3)
        assert np.array_equal(one, other)
        assert np.allclose(one, embed(text), atol=1e-5)


def test_a_saved_model_says_the_same_as_before(tmp_path: Path):
    texts = [text for text, _ in EXAMPLES]
    vectors = np.stack([embed(text) for text in texts])
    model = IntentModel.train(texts, vectors, [intent for _, intent in EXAMPLES])
    model.save(tmp_path / "intents.skops")
    ranking = model.rank("bonjour", embed("bonjour"))
    assert ranking[0][0] == "greet"
    assert sum(confidence for _, confidence in ranking) == pytest.approx(1.0)
    assert IntentModel.load(tmp_path / "intents.skops").rank("bonjour", embed("bonjour")) == ranking


def test_the_nearest_examples_vote_and_the_rest_do_not():
    random = np.random.RandomState(0)
    near, far = random.normal(size=(2, DIMENSIONS))
    rows = [
        centre + 0.1 * random.normal(size=DIMENSIONS) for centre in (near, far) for _ in range(NEIGHBOURS)
    ]
    vectors = np.array(rows, dtype=np.float32)
    neighbours = Neighbours.of(vectors, ["stop"] * NEIGHBOURS + ["greet"] * NEIGHBOURS)
    greet, stop = np.exp(neighbours.log_shares(near.astype(np.float32)))
    assert (greet, stop) == (pytest.approx(0.005), pytest.approx(1.005))


def test_examples_kept_in_bytes_are_as_near_as_before():
    vectors = np.random.RandomState(0).normal(size=(50, DIMENSIONS)).astype(np.float32)
    kept = Neighbours.of(vectors, ["greet"] * 50)
    centred = vectors - vectors.mean(axis=0)
    exact = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert np.abs(kept._units @ kept._units.T - exact @ exact.T).max() < 0.005


@pytest.mark.parametrize(
    ("intent", "confidence", "second", "understood"),
    [
        ("greet", 0.45, 0.2, "greet"),
        ("stop", 0.45, 0.2, "nlu_fallback"),
        ("stop", 0.55, 0.2, "stop"),
        ("greet", 0.45, 0.42, "nlu_fallback"),
        ("greet", 0.29, 0.1, "nlu_fallback"),
    ],
)
def test_a_guess_that_does_something_must_be_a_surer_one(intent, confidence, second, understood):
    config = yaml.safe_load((BOT_FOLDER / "config.yml").read_text())["pipeline"][-1]
    fallback = CarefulFallback({**CarefulFallback.get_default_config(), **config})
    ranking = [{"name": intent, "confidence": confidence}, {"name": "goodbye_thanks", "confidence": second}]
    message = Message(data={"intent": ranking[0], "intent_ranking": ranking})
    (answered,) = fallback.process([message])
    assert answered.data["intent"]["name"] == understood


def test_two_who_start_together_agree_on_the_token(tmp_path: Path):
    first = load_settings({"OWNWORDS_DATA": str(tmp_path)})
    assert load_settings({"OWNWORDS_DATA": str(tmp_path)}).internal_token == first.internal_token
    assert len(first.internal_token) >= 32
    assert (tmp_path / "internal_token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("port", ["abc", "0", "60000"])
def test_a_wrong_port_stops_the_start_by_name(tmp_path: Path, port: str):
    with pytest.raises(SettingsError, match="OWNWORDS_PORT"):
        load_settings({"OWNWORDS_DATA": str(tmp_path), "OWNWORDS_PORT": port})


@pytest.mark.parametrize(
    "answer", [{"events": [{"event": "no such event"}], "responses": []}, {"responses": "x"}]
)
def test_an_action_server_that_talks_nonsense_is_not_believed(answer):
    action = RemoteAction("action_welcome", None)
    assert action._validate_action_result({"events": [], "responses": []})
    with pytest.raises(ValidationError):
        action._validate_action_result(answer)
