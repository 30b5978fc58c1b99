import ctranslate2
import pytest

from translations.benchmark import bench_translate, make_sentences
from translations.random_model import ModelSize, train_tokenizer, write_model


def test_a_random_model_can_be_made_to_end_after_a_given_number_of_pieces(tmp_path):
    sentences = make_sentences(20)
    _, pieces = train_tokenizer(sentences, 60)
    size = ModelSize(layers=2, width=64, inner=128, heads=4, vocabulary=500)
    write_model(tmp_path / "model", pieces, size, seed=3, output_pieces=9)
    translator = ctranslate2.Translator(str(tmp_path / "model"))
    found = translator.translate_batch([pieces[5:12], pieces[8:30]], beam_size=4)
    assert [len(result.hypotheses[0]) for result in found] == [9, 9]
    assert all(piece in pieces for result in found for piece in result.hypotheses[0])


@pytest.mark.slow
def test_the_benchmark_runs_and_batches_beat_one_by_one():
    figures = bench_translate(sentences=16, rounds=1)
    assert figures.ours / figures.raw_batched > 0.5
    assert figures.ours > figures.argos_best
    assert len(list(figures.lines())) == 8
