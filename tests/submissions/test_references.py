from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from submissions.references import (
    ALPHABET,
    _with_check,
    _written,
    find_references,
    new_reference,
    normalise_reference,
)

bodies = st.text(alphabet=ALPHABET, min_size=7, max_size=7).map(_with_check)


def test_a_reference_reads_as_promised_and_is_random() -> None:
    references = {new_reference() for _ in range(500)}
    assert len(references) == 500
    assert all(re.fullmatch(r"OW-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", one) for one in references)
    assert all(normalise_reference(one) == one for one in references)


@given(body=bodies, place=st.integers(0, 7), character=st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_caught(body: str, place: int, character: str) -> None:
    slip = body[:place] + character + body[place + 1 :]
    assert (normalise_reference(slip) is None) == (slip != body)


@given(body=bodies, first=st.integers(0, 7), second=st.integers(0, 7))
def test_every_swap_of_two_characters_is_caught(body: str, first: int, second: int) -> None:
    letters = list(body)
    letters[first], letters[second] = letters[second], letters[first]
    swapped = "".join(letters)
    assert (normalise_reference(swapped) is None) == (swapped != body)


def test_all_slips_and_swaps_of_one_reference_are_caught() -> None:
    body = "7K3M92QF"
    slips = {body[:i] + c + body[i + 1 :] for i in range(8) for c in ALPHABET} - {body}
    swaps = {body[:i] + body[i + 1] + body[i] + body[i + 2 :] for i in range(7)} - {body}
    assert len(slips) == 8 * 31
    assert len(swaps) == 7
    assert [one for one in slips | swaps if normalise_reference(one)] == []


@pytest.mark.parametrize(
    "as_typed",
    [
        "OW-7K3M-92QF",
        "ow-7k3m-92qf",
        " ow 7k3m 92qf ",
        "0W-7K3M-92QF",
        "7K3M92QF",
        "ow7k3m92qf",
        "OW–7K3M—92QF",
        "ＯＷ－７Ｋ３Ｍ－９２ＱＦ",
        "OW-٧K٣M-٩٢QF",
        "ow_7k3m_92qf",
    ],
)
def test_ways_of_typing_one_reference(as_typed: str) -> None:
    assert normalise_reference(as_typed) == "OW-7K3M-92QF"


@given(body=bodies)
def test_look_alikes_are_read_as_what_was_meant(body: str) -> None:
    mistaken = body.replace("0", "o").replace("1", "l")
    assert normalise_reference(mistaken) == _written(body)
    assert normalise_reference(body.replace("1", "I").replace("0", "O")) == _written(body)


@pytest.mark.parametrize(
    "text", ["", "OW-", "OW-7K3M-92Q", "OW-7K3M-92QFX", "hello", "OW-7K3M-92QU", "🙂" * 8, "12345678"]
)
def test_what_is_no_reference_is_none(text: str) -> None:
    assert normalise_reference(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qual é o estado de OW-7K3M-92QF?", ["OW-7K3M-92QF"]),
        ("ما حالة طلبي ow 7k3m 92qf؟", ["OW-7K3M-92QF"]),
        ("my number is 7k3m92qf thanks", ["OW-7K3M-92QF"]),
        ("OW-7K3M-92QF, ow7k3m92qf and OW-7K3M-92QG", ["OW-7K3M-92QF"]),
        ("I wrote last week", []),
        ("how is it going with my view of 2016", []),
        ("the library category", []),
    ],
)
def test_references_in_running_text(text: str, expected: list[str]) -> None:
    assert find_references(text) == expected


@given(st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), max_size=30).map(" ".join))
def test_ordinary_lower_case_words_name_no_reference(text: str) -> None:
    if not re.search(r"\bow\b|\bow[a-z]{8}\b", text):
        assert find_references(text) == []


@given(before=st.text(max_size=20), body=bodies, after=st.text(max_size=20))
def test_a_reference_is_found_whatever_stands_around_it(before: str, body: str, after: str) -> None:
    assert _written(body) in find_references(f"{before}\n«{_written(body)}»\n{after}")
