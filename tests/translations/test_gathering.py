import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from translations.errors import TranslationFailed
from translations.gathering import GatheringTranslator


class Slow:
    """Takes a third of a second for a batch of any size, and remembers the batches."""

    memory_bytes = 1

    def __init__(self):
        self.batches = []

    def translate_sentences(self, sentences):
        self.batches.append(list(sentences))
        time.sleep(0.3)
        if "explode" in sentences:
            raise RuntimeError("the model broke")
        return [TranslationFailed("empty", "slow") if text == "bad" else text.upper() for text in sentences]

    def close(self):
        pass


def test_a_lone_message_goes_at_once():
    slow = Slow()
    started = time.perf_counter()
    assert GatheringTranslator(slow, workers=1).translate_sentences(["a"]) == ["A"]
    assert time.perf_counter() - started < 0.55


def test_what_comes_while_the_model_is_busy_goes_together_and_equal_sentences_once():
    slow = Slow()
    gathering = GatheringTranslator(slow, workers=1)
    with ThreadPoolExecutor(20) as pool:
        found = list(
            pool.map(lambda number: gathering.translate_sentences([f"s{number % 5}", "bad"]), range(20))
        )
    assert [results[0] for results in found] == [f"S{number % 5}" for number in range(20)]
    assert all(isinstance(results[1], TranslationFailed) for results in found)
    assert len(slow.batches) <= 5
    assert all(len(batch) == len(set(batch)) for batch in slow.batches)


def test_an_error_reaches_those_whose_batch_it_was_and_nobody_hangs():
    slow = Slow()
    gathering = GatheringTranslator(slow, workers=1)
    first = threading.Thread(target=gathering.translate_sentences, args=(["first"],))
    first.start()
    time.sleep(0.03)
    with pytest.raises(RuntimeError):
        gathering.translate_sentences(["explode"])
    first.join(timeout=5)
    assert not first.is_alive()
    assert gathering.translate_sentences(["after"]) == ["AFTER"]


def test_as_many_batches_run_side_by_side_as_there_are_workers():
    slow = Slow()
    gathering = GatheringTranslator(slow, workers=2)
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda text: gathering.translate_sentences([text]), ["a", "b"]))
    assert time.perf_counter() - started < 0.55


def test_an_empty_list_gives_an_empty_list():
    assert GatheringTranslator(Slow(), workers=1).translate_sentences([]) == []
