import pytest

from translations import clauses
from translations.clauses import align, split_clauses
from translations.quality import EXPLANATIONS, estimate

SPANISH = "El dueño no arregla la humedad y el niño tose toda la noche."
ENGLISH = "The landlord does not repair the damp and the child coughs all night."


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        ("en", "It is cold, we stay in because of that.", ["It is cold", "we stay in because of that"]),
        ("pl", "Zamek jest zepsuty i obcy tu śpią.", ["Zamek jest zepsuty", "obcy tu śpią"]),
        ("en", "Eu i ela vamos", ["Eu i ela vamos"]),
        ("zh", "居委会把活动室锁了，老人们没地方下棋。", ["居委会把活动室锁了", "老人们没地方下棋"]),
        (None, "👍", ["👍"]),
    ],
)  # fmt: skip
def test_clauses_are_cut_at_marks_and_at_the_conjunctions_of_that_language(language, text, parts):
    assert split_clauses(text, language) == parts


def test_a_very_long_text_has_its_clauses_joined():
    text = "This is a clause here, " * 500
    assert len(split_clauses(text, "en")) <= clauses.MAXIMUM_CLAUSES
    assert " ".join(split_clauses(text, "en")).count("clause") == 500


def test_a_whole_translation_has_no_lonely_clause():
    assert align(SPANISH, ENGLISH, "es", "en").flags == set()
    assert estimate(SPANISH, ENGLISH, "es").flags == ()


@pytest.mark.parametrize(
    ("flag", "translation"),
    [
        ("part_missing", "The landlord does not repair the damp."),
        ("part_added", ENGLISH.rstrip(".") + " and the baker gives us bread."),
    ],
)
def test_a_clause_that_is_left_out_or_made_up_is_flagged_and_explained(flag, translation):
    quality = estimate(SPANISH, translation, "es")
    assert flag in quality.flags
    assert EXPLANATIONS[flag] in quality.explanations
    assert quality.needs_person
