import pytest

from translations import languages

MENU = ["en", "pt", "ar", "bn"]


def test_the_twenty_languages_are_there_each_with_its_script_and_direction():
    assert len(languages.LANGUAGES) == 20
    assert [code for code, language in languages.LANGUAGES.items() if language.direction == "rtl"] == [
        "ar",
        "fa",
        "ckb",
        "ur",
    ]
    assert all(code == language.code for code, language in languages.LANGUAGES.items())


@pytest.mark.parametrize(
    ("text", "code"), [("2", "pt"), (" 2. ", "pt"), ("(3)", "ar"), ("٣", "ar"), ("৪", "bn")]
)
def test_a_number_in_any_digits_chooses_from_the_menu(text, code):
    assert languages.find_language(text, MENU).code == code


@pytest.mark.parametrize("text", ["0", "5", "-1", "2 3", "2a", "", "9999"])
def test_a_number_outside_the_menu_chooses_nothing(text):
    assert languages.find_language(text, MENU) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PORTUGUÊS", "pt"),
        ("portugues", "pt"),
        ("Turkce!", "tr"),
        ("TÜRKÇE", "tr"),
        ("İngilizce", "en"),
        ("العربيه", "ar"),
        ("عربي", "ar"),
        ("فارسي", "fa"),
        ("বাংলা", "bn"),
        ("bangla", "bn"),
        ("Polski", "pl"),
        ("kurdish", "ckb"),
        ("کوردی", "ckb"),
        ("中文", "zh"),
        ("Українська", "uk"),
        ("አማርኛ", "am"),
        ("af-soomaali", "so"),
        ("اُردو", "ur"),
        ("romaneste", "ro"),
    ],
)
def test_a_language_is_found_by_its_name_whatever_case_accents_and_spelling(text, code):
    assert languages.find_language(text, MENU).code == code


@pytest.mark.parametrize("text", ["so", "it", "hello", "I speak Portuguese at home", "Porto"])
def test_other_words_are_not_taken_for_the_name_of_a_language(text):
    assert languages.find_language(text, MENU) is None


def test_no_name_means_two_languages():
    seen: dict[str, str] = {}
    for language in languages.LANGUAGES.values():
        for name in (language.autonym, language.english_name, *language.other_names):
            assert seen.setdefault(languages.normalise_name(name), language.code) == language.code, name


def test_languages_named_inside_a_sentence_are_found_in_order():
    named = languages.languages_named_in("Posso falar em árabe, or af soomaali?")
    assert [language.code for language in named] == ["ar", "so"]


def test_the_direction_of_an_unknown_language_is_left_to_the_text():
    assert [languages.direction_of(code) for code in ("ur", "pl", None)] == ["rtl", "ltr", "auto"]
