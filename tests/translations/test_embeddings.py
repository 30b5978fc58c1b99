from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from translations.embeddings import DIMENSIONS, embed, similarity


def test_vectors_have_length_one_and_one_row_each():
    vectors = embed(["A rua está escura", "", "👍", "nul\x00inside", "\ud800 lone surrogate"])
    assert vectors.shape == (5, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert embed([]).shape == (0, DIMENSIONS)


def test_the_same_meaning_is_nearer_than_another_meaning_across_languages():
    near = similarity("The street is dark at night", "A rua está escura à noite")
    assert near > similarity("The street is dark at night", "Gosto de comer bananas") + 0.05


def test_words_after_a_nul_character_are_read():
    assert not np.allclose(embed(["school\x00bananas"]), embed(["school"]), atol=1e-3)


def test_one_text_instead_of_a_list_is_a_mistake_that_is_named():
    with pytest.raises(TypeError):
        embed("not a list")


def test_threads_get_the_same_vectors_as_one_after_the_other():
    texts = [f"sentence number {number} about the park" for number in range(24)]
    expected = embed(texts)
    with ThreadPoolExecutor(8) as pool:
        found = np.vstack(list(pool.map(lambda text: embed([text]), texts)))
    assert np.allclose(found, expected, atol=1e-6)
