import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translations.segmentation import MAX_SEGMENT_CHARACTERS, split, split_texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Olá. Tudo bem?  Sim!", ["Olá. ", "Tudo bem?  ", "Sim!"]),
        ("هل هذا صحيح؟ نعم. شكرا", ["هل هذا صحيح؟ ", "نعم. ", "شكرا"]),
        ("আমি যাই। তুমি এসো।", ["আমি যাই। ", "তুমি এসো।"]),
        ("学校很远。我想要公交车！好的", ["学校很远。", "我想要公交车！", "好的"]),
        ("ሰላም። እንዴት ነህ፧ ደህና", ["ሰላም። ", "እንዴት ነህ፧ ", "ደህና"]),
        ("یہ ٹھیک ہے۔ شکریہ", ["یہ ٹھیک ہے۔ ", "شکریہ"]),
        ("First line\n\n second line\r\nthird", ["First line\n\n ", "second line\r\n", "third"]),
        ("Dr. Ana lives at no. 5. She is 3.5 km away.", ["Dr. Ana lives at no. 5. ", "She is 3.5 km away."]),
        ("Is that so? no. Really.", ["Is that so? ", "no. ", "Really."]),
        ("See https://a.org/b?x=1.2 or me@b.org. Bye", ["See https://a.org/b?x=1.2 or me@b.org. ", "Bye"]),
        ("Spotkanie 1. maja o 5. Przyjdź!", ["Spotkanie 1. maja o 5. ", "Przyjdź!"]),
        ("Pois... não sei. ok", ["Pois... não sei. ", "ok"]),
        ("Está escuro.Tenho medo!Ajudem", ["Está escuro.", "Tenho medo!", "Ajudem"]),
        ("“Stop!” she said. J. Smith left.", ["“Stop!” ", "she said. ", "J. Smith left."]),
        ("  \n", ["  \n"]),
        ("", []),
    ],
)
def test_a_text_is_split_into_its_sentences(text, expected):
    assert split_texts(text) == expected


text_of_many_scripts = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(list(" \n\r\t.!?…؟۔।。！።:;,،-'\"()123aAéçмыъ中文আমিሰላምاب\u200d\u0301👩👧🏽")),
    ),
    max_size=1500,
)


@settings(max_examples=300, deadline=None)
@given(text_of_many_scripts)
def test_the_segments_joined_give_the_text_back_without_a_gap(text):
    segments = split(text)
    assert "".join(split_texts(text)) == text
    assert [segment.start for segment in segments[1:]] == [segment.end for segment in segments[:-1]]
    assert all(segment.start < segment.end for segment in segments)


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from("ab ,;é中আ"), min_size=300, max_size=3000))
def test_no_segment_is_longer_than_the_models_can_take(text):
    assert all(len(piece.strip()) <= MAX_SEGMENT_CHARACTERS for piece in split_texts(text))


def test_an_endless_word_is_cut_but_never_inside_a_joined_emoji():
    family = "👨‍👩‍👧‍👦"
    pieces = split_texts(family * 200)
    assert len(pieces) > 1
    assert all(piece == family * (len(piece) // len(family)) for piece in pieces)
