"""The boundaries at which an operator bills another part. Source of the numbers: 3GPP TS 23.038, 23.040."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms_text import SmsEncoding, count_sms_parts, measure_sms, sms_lines


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("a" * 459, "GSM-7", 459, 3),
        ("a" * 460, "GSM-7", 460, 4),
        ("ł" * 70, "UCS-2", 70, 1),
        ("ł" * 71, "UCS-2", 71, 2),
        ("ł" * 134, "UCS-2", 134, 2),
        ("ł" * 135, "UCS-2", 135, 3),
        ("ł" * 201, "UCS-2", 201, 3),
        ("ł" * 202, "UCS-2", 202, 4),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        # 76 extension characters fill 152 of 153 units; the next one does not fit into the one that is left.
        ("€" * 152, "GSM-7", 304, 2),
        ("€" * 153, "GSM-7", 306, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        # 33 emoji fill 66 of 67 units.
        ("😀" * 66, "UCS-2", 132, 2),
        ("😀" * 67, "UCS-2", 134, 3),
        ("a" * 69 + "😀", "UCS-2", 71, 2),
    ],
)
def test_the_boundaries_of_parts(text, encoding, units, parts):
    size = measure_sms(text)
    assert (size.encoding, size.units, size.parts) == (encoding, units, parts)


@pytest.mark.parametrize(
    "text", ["¡Sí, señor!", "ção", "ç", "ê", "مرحبا", "বাংলা", "ş", "“quoted”", "…", "\u00a0"]
)
def test_one_character_outside_gsm_7_puts_the_whole_text_in_ucs_2(text):
    outside = {"¡Sí, señor!": "í"}
    assert measure_sms(text).encoding is SmsEncoding.UCS_2, outside.get(text, text)


@pytest.mark.parametrize(
    "text", ["¿Qué tal? ñ Ñ ü", "è é ù ì ò Ç", "Ä Ö Å æ ß", "^{}\\[~]|€", "@£$¥ ¤ § Δ Ω"]
)
def test_characters_of_both_gsm_7_tables_stay_in_gsm_7(text):
    assert measure_sms(text).encoding is SmsEncoding.GSM_7


@given(st.text())
def test_a_longer_text_never_takes_fewer_parts(text):
    assert count_sms_parts(text) <= count_sms_parts(text + "a")
    assert measure_sms(text).parts >= 1


def test_json_lines_keep_their_order_and_their_errors():
    answers = list(sms_lines([{"text": "hello"}, {"error": "line 2 is not JSON"}, {"text": "ł"}]))
    assert answers == [
        {"encoding": "GSM-7", "units": 5, "parts": 1},
        {"error": "line 2 is not JSON"},
        {"encoding": "UCS-2", "units": 1, "parts": 1},
    ]
