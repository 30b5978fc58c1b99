"""Cohen's kappa: against scikit-learn's, and where it says nothing."""

import random

import pytest
from sklearn.metrics import cohen_kappa_score

from submissions.agreement import compare


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_that_of_scikit_learn(seed):
    chance = random.Random(seed)
    pairs = [(chance.random() < 0.4, chance.random() < 0.6) for _ in range(5 + seed)]
    first, second = zip(*pairs, strict=True)
    found = compare(pairs, views=len(pairs))
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second, labels=[False, True]))
    assert found.asked == len(pairs)


@pytest.mark.parametrize(
    ("pairs", "views", "words"),
    [
        ([], 0, "too few"),
        ([(True, True)] * 4, 4, "too few"),
        ([(True, True)] * 5, 5, "one answer only"),
        ([(False, False)] * 9, 9, "one answer only"),
        ([(True, False)] * 6, 6, "0.00"),  # always the opposite, with one answer each: no better than chance
        ([(True, True), (False, False)] * 3, 6, "1.00"),
        ([(True, False), (False, True)] * 3, 6, "-1.00"),
    ],
)
def test_where_kappa_says_nothing_it_says_why(pairs, views, words):
    found = compare(pairs, views=views)
    assert found.words == words
    assert (found.kappa is None) == words.startswith(("too", "one"))
