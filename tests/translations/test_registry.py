import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.translations.tiny_packages import tiny_package
from translations import packages
from translations.engine import Translation
from translations.errors import (
    LanguagePairNotInstalled,
    ModelNotLoaded,
    TranslationError,
    TranslationFailed,
)
from translations.registry import open_registry


def to_english(registry, text, source="pt"):
    return registry.translate_segment(text, source_language=source, target_language="en")


def test_portuguese_really_translates_before_anything_is_installed(tmp_path):
    translation = to_english(open_registry(tmp_path / "none"), "Não fechem a biblioteca!")
    assert translation.text == "Don't close the library!"
    assert (translation.engine, translation.pivot_language) == ("bergamot", None)


def test_white_space_line_breaks_and_pieces_without_words_are_kept(tmp_path):
    text = "\n\n  Bom dia!\r\n\r\n😀 12:30\n- Obrigado. \t Adeus!\n "
    translation = to_english(open_registry(tmp_path), text).text
    assert translation == "\n\n  Good morning!\r\n\r\n😀 12:30\n- Thank you. \t Goodbye!\n "


def test_a_chain_by_way_of_english_says_so(registry):
    translation = registry.translate_segment("Dzień dobry", source_language="pl", target_language="pt-BR")
    assert translation.pivot_language == "en"
    assert translation.model == "argos pl-en 1.0 > bergamot en-pt 1693087644"
    assert translation.engine == "argos > bergamot"
    assert (translation.source_language, translation.target_language) == ("pl", "pt-BR")


@pytest.mark.parametrize("source", ["so", None, "xx"])
def test_a_language_without_a_model_is_said_to_have_none(registry, source):
    assert not registry.can_translate(source, "en")
    with pytest.raises(LanguagePairNotInstalled) as missing:
        registry.translate_texts(["Nabad"], source_language=source, target_language="en")
    assert (missing.value.source_language, missing.value.target_language) == (source, "en")


def test_translating_into_the_same_language_is_a_mistake(registry):
    with pytest.raises(ValueError, match="same"):
        registry.translate_texts(["Hello"], source_language="en-GB", target_language="en")


def test_bergamot_is_preferred_for_a_pair_that_both_engines_know(tmp_path):
    packages.install(tmp_path / "models", str(tiny_package(tmp_path, "pt", "en")))
    registry = open_registry(tmp_path / "models")
    assert to_english(registry, "Bom dia!").engine == "bergamot"
    assert to_english(open_registry(tmp_path / "models", bundled=False), "Bom dia!").engine == "argos"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(max_size=60), max_size=12))
def test_as_many_results_come_out_as_texts_went_in_whatever_they_hold(registry, texts):
    results = registry.translate_texts(texts, source_language="pl", target_language="en")
    assert len(results) == len(texts)
    assert all(isinstance(result, Translation | TranslationError) for result in results)
    for text, result in zip(texts, results, strict=True):
        if isinstance(result, Translation):
            assert result.text[: len(text) - len(text.lstrip())] == text[: len(text) - len(text.lstrip())]


def test_a_sentence_the_model_fails_on_does_not_lose_the_others(registry, monkeypatch):
    expected = registry.translate_texts(
        ["Dzień dobry", "Dobry wieczór", "Cześć"], source_language="pl", target_language="en"
    )
    # The translator itself is real; only its call into the model is made to fail on one sentence.
    (loaded,) = registry._loaded.values()
    argos = loaded.translator._translator
    real = argos._translator

    class FailsOnOne:
        def translate_batch(self, tokens, **options):
            if any("zła" in "".join(sentence) for sentence in tokens):
                raise RuntimeError("internal error of the model")
            return real.translate_batch(tokens, **options)

        def unload_model(self):
            real.unload_model()

    monkeypatch.setattr(argos, "_translator", FailsOnOne())
    results = registry.translate_texts(
        ["Dzień dobry", "zła", "Dobry wieczór", "zła wiadomość", "Cześć"],
        source_language="pl",
        target_language="en",
    )
    assert [results[0], results[2], results[4]] == expected
    assert [results[1].reason, results[3].reason] == ["crashed", "crashed"]
    with pytest.raises(TranslationFailed):
        registry.translate_segment("zła", source_language="pl", target_language="en")


def test_an_output_that_only_repeats_the_text_is_never_passed_on(registry, monkeypatch):
    to_english(registry, "Dzień dobry", "pl")
    (loaded,) = registry._loaded.values()
    monkeypatch.setattr(
        type(loaded.translator), "translate_sentences", lambda self, sentences: list(sentences)
    )
    with pytest.raises(TranslationFailed) as failed:
        to_english(registry, "To jest bardzo ważna sprawa.", "pl")
    assert failed.value.reason == "untranslated"
    assert "ważna" not in str(failed.value)


def test_sixteen_threads_get_what_one_gets_and_a_model_is_loaded_once(models_folder, monkeypatch):
    from translations import registry as registry_module

    loads = []
    real = registry_module.ArgosTranslator

    def counted(*arguments, **named):
        loads.append(named["name"])
        return real(*arguments, **named)

    monkeypatch.setattr(registry_module, "ArgosTranslator", counted)
    registry = open_registry(models_folder)
    texts = [f"Dzień dobry numer {number}" for number in range(64)]
    barrier = threading.Barrier(16)

    def work(worker):
        barrier.wait()
        mine = texts[worker::16]
        return [
            registry.translate_texts([text], source_language="pl", target_language=target)[0].text
            for text in mine
            for target in ("en", "pt")
        ]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(work, range(16)))
    assert loads == ["argos pl-en 1.0"]
    alone = open_registry(models_folder)
    for worker, answers in enumerate(found):
        assert answers == [
            alone.translate_texts([text], source_language="pl", target_language=target)[0].text
            for text in texts[worker::16]
            for target in ("en", "pt")
        ]


def test_the_least_recently_used_model_is_unloaded_above_the_memory_setting(tmp_path):
    folder = tmp_path / "models"
    for number, code in enumerate(("pl", "es", "fr")):
        packages.install(folder, str(tiny_package(tmp_path, code, "en", seed=4 + number)))
    registry = open_registry(folder, memory_limit_bytes=45_000_000)  # two tiny models of 20.3 MB
    content = {model.pair: model.content_sha256 for model in registry.models()}
    for code in ("pl", "es", "pl", "fr"):
        registry.translate_texts(["park"], source_language=code, target_language="en")
    assert registry.loaded_models() == [content["pl-en"], content["fr-en"]]
    registry.translate_texts(["park"], source_language="es", target_language="en")
    assert registry.loaded_models() == [content["fr-en"], content["es-en"]]


def test_threads_survive_models_being_unloaded_under_them(tmp_path):
    folder = tmp_path / "models"
    for number, code in enumerate(("pl", "es")):
        packages.install(folder, str(tiny_package(tmp_path, code, "en", seed=4 + number)))
    registry = open_registry(folder, memory_limit_bytes=1)  # everything goes as soon as nobody uses it

    def work(number):
        code = ("pl", "es")[number % 2]
        return registry.translate_texts(["park"], source_language=code, target_language="en")[0].text

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(40)))
    assert len(set(found[::2])) == len(set(found[1::2])) == 1
    assert registry.loaded_models() == []


def test_packages_with_the_same_model_share_it_in_memory(tmp_path):
    for code in ("pl", "es"):
        packages.install(tmp_path / "models", str(tiny_package(tmp_path, code, "en")))
    registry = open_registry(tmp_path / "models")
    translations = [
        registry.translate_texts(["park"], source_language=code, target_language="en")[0]
        for code in ("pl", "es")
    ]
    assert len(registry.loaded_models()) == 1
    assert [translation.model for translation in translations] == ["argos pl-en 1.0", "argos es-en 1.0"]


def test_a_model_whose_files_were_lost_is_an_error_for_its_texts_and_not_a_crash(models_folder):
    registry = open_registry(models_folder)
    model = next(model for model in registry.models() if model.engine == "argos")
    (model.folder / "model" / "model.bin").unlink()
    results = registry.translate_texts(["jeden", "dwa"], source_language="pl", target_language="en")
    assert [type(result) for result in results] == [ModelNotLoaded, ModelNotLoaded]
    assert to_english(registry, "Bom dia!").text == "Good morning!"


def test_residents_words_never_reach_a_log_even_when_everything_is_logged(models_folder, caplog):
    registry = open_registry(models_folder)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("argostranslate").info("checks that the logger is quiet: tajemnica")
        to_english(registry, "tajemnica parku", "pl")
        to_english(registry, "segredo do parque")
    assert "tajemnica" not in caplog.text
    assert "segredo" not in caplog.text
    assert not logging.getLogger("argostranslate.utils").isEnabledFor(logging.INFO)


def test_importing_argos_leaves_no_folder_in_the_home(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    project = Path(__file__).resolve().parents[2]
    program = "from translations.argos_engine import _package_class; _package_class()"
    environment = {"HOME": str(tmp_path / "home"), "PATH": ""}
    (tmp_path / "home").mkdir()
    subprocess.run([sys.executable, "-c", program], cwd=project, env=environment, check=True)
    assert list((tmp_path / "home").rglob("*")) == []


def test_the_small_real_packages_give_english_for_each_language(shared_registry):
    for code, text in {
        "es": "Necesitamos más luz en el parque.",
        "fr": "Je voudrais parler de l'école.",
        "ar": "أريد مدرسة جديدة.",
        "pl": "Potrzebujemy pomocy.",
    }.items():
        translation = to_english(shared_registry, text, code)
        assert translation.text.isascii()
        assert translation.text != text
    assert len([key for key in shared_registry.loaded_models() if not key.startswith("wheel:")]) == 1
