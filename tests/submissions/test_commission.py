from __future__ import annotations

import os
from pathlib import Path

import pytest

from submissions.commission import get_commission, load_commission
from submissions.errors import ConfigurationError
from submissions.settings import PROJECT_FOLDER
from translations.languages import LANGUAGES

OWN_FILE = PROJECT_FOLDER / "commission.yml"


def faults_of(tmp_path: Path, content: str) -> list[str]:
    path = tmp_path / "commission.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_commission(path)
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> tuple[str, int]:
    """Our file with the first `old` replaced, and the line it stood on."""
    content = OWN_FILE.read_text(encoding="utf-8")
    assert old in content
    return content.replace(old, new, 1), content[: content.index(old)].count("\n") + 1


def test_the_example_has_the_four_themes_with_their_leads_and_questions() -> None:
    commission = get_commission(OWN_FILE)
    assert {theme.key: theme.lead for theme in commission.themes} == {
        "identity_faith_values": "Councillor Hug",
        "community_engagement": "Councillor McAllister",
        "safeguarding": "Councillor Mohammed",
        "opportunity_empowerment": "Councillor Aiken",
        "other": None,
    }
    for theme in commission.themes:
        english = theme.exemplars["en"]
        assert 20 <= len(english) == len(set(english))
        assert len(theme.exemplars) >= 8
        if theme.key != "other":
            assert 4 <= len(theme.recommended_questions) <= 6
    assert commission.languages[:7] == ["en", "pt", "es", "fr", "ar", "bn", "so"]
    assert set(commission.languages) == set(LANGUAGES)


def test_the_example_shows_every_help_line() -> None:
    numbers = {line.key: line.number for line in get_commission(OWN_FILE).help_lines}
    assert numbers == {
        "police_emergency": "999",
        "police": "101",
        "samaritans": "116 123",
        "childline": "0800 1111",
        "true_vision": None,
        "act_early": "0800 011 3764",
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("lead: Councillor McAllister", "lead: 7", "themes[1].lead: should be a valid string"),
        (
            "lead: Councillor McAllister",
            "lead: Councillor Nobody",
            "themes[1].lead: 'Councillor Nobody' is not among the members",
        ),
        ("lead: Councillor McAllister", "leader: X", "themes[1].leader: is not a key this file knows"),
        ("key: safeguarding", "key: other", "themes[4].key: 'other' is there twice"),
        (
            "addresses_days: 90",
            "addresses_days: ninety",
            "retention.addresses_days: should be a valid integer",
        ),
        ("  - pt # português", "  - en", "languages[1]: 'en' is there twice"),
        ("starts: 2016-06\n    ends: 2016-08", "starts: 2016-13", "programme[1].starts: "),
        (
            "method: one_to_one",
            "method: letter",
            "themes[0].invited_contributors[0].method: 'letter' is not a way",
        ),
        ("title: Community", "title: [Community", "expected ',' or ']'"),
        ("title: Community", "council: Community", 'found duplicate key "council"'),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    content, line = changed(old, new)
    faults = faults_of(tmp_path, content)
    matching = [one for one in faults if fault in one]
    assert matching, faults
    named = int(matching[0].split("line ")[1].split(":")[0])
    # A second key of the same name is found on its second place, an open bracket where it should have ended.
    assert named == line or "twice" in fault or "expected" in fault, faults


def test_each_of_several_faults_is_named(tmp_path: Path) -> None:
    content, _ = changed("title: Community", "titel: Community")
    faults = faults_of(tmp_path, content.replace("number: 116 123", "number: 5"))
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        "title: is missing",
        "titel: is not a key this file knows",
        "help_lines[2].number: should be a valid string",
    ]


def test_a_file_that_is_not_there_or_empty_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"commission\.yml: cannot be read"):
        load_commission(tmp_path / "commission.yml")
    assert "must be a list of keys" in faults_of(tmp_path, "")[0]
    (tmp_path / "latin.yml").write_bytes(b"council: \xe9\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_commission(tmp_path / "latin.yml")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "commission.yml"
    path.write_text(OWN_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    first = get_commission(path)
    assert get_commission(path) is first
    content, _ = changed("title: Community Cohesion Commission", "title: Another Commission")
    path.write_text(content, encoding="utf-8")
    os.utime(path, ns=(1, 1))  # a clear change of time whatever the file system's clock
    assert get_commission(path).title == "Another Commission"


def test_longer_names_come_first_so_that_they_are_protected_whole() -> None:
    names = get_commission(OWN_FILE).protected_names
    assert names.index("Bryanston and Dorset Square") < names.index("Westminster")
    assert [len(name) for name in names] == sorted((len(name) for name in names), reverse=True)


def test_each_theme_has_a_name_in_every_language_offered_and_the_english_one_elsewhere() -> None:
    commission = get_commission(OWN_FILE)
    for theme in commission.themes:
        for code in commission.languages:
            name, language = theme.name_in(code)
            assert language == code
            assert (name == theme.name) is (code == "en")
        assert len(set(theme.names.values())) >= len(theme.names) - 3  # neighbours may share a word
        assert theme.name_in("xx") == (theme.name, "en")
        assert theme.names_checked_in == []  # drafts, until a speaker has checked them


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("xx: Identidade", "themes[0].names.xx: 'xx' is not a language we know"),
        ("en: Identity", "themes[0].names.en: the English name is the theme's name"),
        ("pt: ''", "themes[0].names.pt: string should have at least 1 character"),
    ],
)
def test_a_name_that_cannot_be_is_named_with_its_line(tmp_path: Path, new: str, message: str) -> None:
    content, line = changed("pt: Identidade, fé e valores", new)
    assert faults_of(tmp_path, content) == [f"commission.yml, line {line}: {message}"]


def test_a_language_may_be_no_longer_offered_while_themes_still_have_their_names_in_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "commission.yml"
    path.write_text(changed("  - am # አማርኛ\n", "")[0], encoding="utf-8")
    assert "am" not in load_commission(path).languages
