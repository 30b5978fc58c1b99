import io
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translations.lines import detect_lines, read_lines, translate_lines


def test_each_line_is_answered_in_its_place_and_a_bad_one_by_an_error(registry):
    lines = io.StringIO(
        '{"text": "Não fechem a biblioteca!"}\n'
        "not json\n"
        '{"text": 5}\n'
        '{"text": "Nabad", "lang": "so"}\n'
        '\n'
        '{"text": "We need a park", "lang": "en-GB"}\n'
        '{"text": "Dzień dobry", "lang": "pl"}\n'
        '{"text": "xq"}\n'
    )  # fmt: skip
    results = list(translate_lines(read_lines(lines), to="en", registry=registry))
    assert results[0]["translation"] == "Don't close the library!"
    assert results[0]["engine"] == "bergamot pt-en 1693087646"
    assert results[0]["flags"] == []
    assert [set(result) for result in results[1:5]] == [{"error"}] * 4
    assert results[5] == {
        "translation": "We need a park",
        "engine": "none",
        "quality": 1.0,
        "flags": ["same_language"],
    }
    assert results[6]["engine"] == "argos pl-en 1.0"
    assert "error" in results[7]


def test_detect_answers_each_line_and_abstains_with_none():
    lines = [
        {"text": "Quero falar sobre a escola"},
        {"text": "12 👍"},
        {},
        {"text": "ok", "conversation_lang": "pl"},
    ]
    first, second, third, fourth = detect_lines(lines)
    assert first["lang"] == "pt"
    assert second == {"lang": None, "confidence": 0.0}
    assert "error" in third
    assert fourth["lang"] == "pl"


def test_errors_never_repeat_the_text(registry):
    results = translate_lines(
        [{"text": "Tajny tekst", "lang": "so"}, {"text": ["Tajny"]}], to="en", registry=registry
    )
    assert all("Tajny" not in str(result) for result in results)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "lang", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=st.lists(json_values, max_size=10))
def test_as_many_objects_come_out_as_went_in_whatever_they_are(registry, objects):
    results = list(translate_lines(objects, to="en", registry=registry))
    assert len(results) == len(objects)
    assert all(
        "error" in result or set(result) == {"translation", "engine", "quality", "flags"}
        for result in results
    )
    assert len(list(detect_lines(objects))) == len(objects)


def test_whoever_sends_one_line_and_waits_is_answered_before_the_next(registry):
    sent = []

    def lines():
        for number in range(3):
            sent.append(number)
            yield {"text": f"Dzień dobry {number}", "lang": "pl"}
            assert answered.wait(timeout=20), "the answer came only after more lines"
            answered.clear()

    answered = threading.Event()
    for number, result in enumerate(translate_lines(lines(), to="en", registry=registry)):
        assert "translation" in result
        assert len(sent) == number + 1
        answered.set()


def test_an_error_of_the_reader_is_not_swallowed(registry):
    def lines():
        yield {"text": "Dzień dobry", "lang": "pl"}
        raise OSError("the pipe broke")

    with pytest.raises(OSError, match="pipe"):
        list(translate_lines(lines(), to="en", registry=registry))
