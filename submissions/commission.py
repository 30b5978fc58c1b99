"""`commission.yml`: everything about one commission that another council changes, checked when it is read.

Every fault is named with its line, so that an officer without a programmer can mend the file.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from submissions.errors import ConfigurationError
from submissions.settings import StoreSettings
from translations.languages import LANGUAGES

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]

OTHER_THEME = "other"
ENGLISH = "en"


class CommissionPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Definition(CommissionPart):
    text: Words
    source: Words


class ProgrammeItem(CommissionPart):
    what: Words
    starts: Month  # "2016-06"
    ends: Month | None = None  # the same month when left out
    with_whom: list[Words] = []

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> ProgrammeItem:
        if self.ends is not None and self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class Member(CommissionPart):
    name: Words
    role: Words
    is_chair: bool = False


class Contact(CommissionPart):
    name: Words
    role: Words
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    phone: Words | None = None


class WayOfContributing(CommissionPart):
    """All of them are formal contributions; `key` is a submission's `method`."""

    key: Key
    name: Words
    description: Words


class InvitedContributor(CommissionPart):
    organisations: list[Words] = Field(min_length=1)
    method: Key  # one of ways_of_contributing
    attended_by: list[Words] = Field(min_length=1)


class Exemplar(CommissionPart):
    """A sentence as a resident might write it, by which `theme_finding` knows a theme."""

    text: Words
    language: LanguageCode


class SubCodeOfTheme(CommissionPart):
    """A finer sorting within a theme, made by people only."""

    key: Key
    name: Words


class Theme(CommissionPart):
    key: Key
    name: Words
    names: dict[LanguageCode, Words] = {}  # for residents; a language without one reads `name`
    names_checked_in: list[LanguageCode] = []  # by a speaker; all others are drafts
    lead: Words | None = None  # a member's name; None for `other`
    description: Words
    sub_codes: list[SubCodeOfTheme] = []
    recommended_questions: list[Words] = []
    invited_contributors: list[InvitedContributor] = []
    # By language code: sentences residents might write.
    exemplars: dict[LanguageCode, list[Words]]

    def name_in(self, language: str) -> tuple[str, str]:
        """The name that a resident reads, and the language it is in."""
        name = self.names.get(language)
        return (name, language) if name is not None else (self.name, ENGLISH)

    def all_exemplars(self) -> list[Exemplar]:
        return [
            Exemplar(text=text, language=language)
            for language, texts in self.exemplars.items()
            for text in texts
        ]


class HelpLine(CommissionPart):
    key: Key
    name: Words
    number: Words | None = None
    website: Words | None = None
    when: Words
    topics: list[Key] = Field(min_length=1)  # emergency, crime, despair, child, hate_crime, extremism

    @model_validator(mode="after")
    def can_be_reached(self) -> HelpLine:
        if self.number is None and self.website is None:
            raise ValueError("needs a number or a website")
        return self


class Privacy(CommissionPart):
    summary: Words  # two sentences
    text: list[Words] = Field(min_length=1)  # paragraphs


class Retention(CommissionPart):
    """In days, each counted from the last message or from the sending of the view."""

    addresses_days: int = Field(ge=1)  # phone numbers, after the last message
    conversations_days: int = Field(ge=1)  # messages, after the last one
    unsent_views_days: int = Field(ge=1)  # drafts never sent
    withdrawn_views_days: int = Field(ge=0)
    audit_days: int | None = Field(default=None, ge=30)  # None keeps the audit for good
    views_days: int | None = Field(default=None, ge=1)  # sent views; None keeps them, without identity


class FollowUps(CommissionPart):
    """Texts to those who came to an open forum: what they cost, how many a person may get, and when."""

    sms_part_pence: float = Field(default=4.0, ge=0, le=100)  # what the operator bills for one part
    texts_per_person: int = Field(default=2, ge=1)  # over all forums, within `within_days`
    within_days: int = Field(default=30, ge=1)
    answers_days: int = Field(default=30, ge=1)  # what they write within these belongs to the forum
    from_hour: int = Field(default=9, ge=0, le=23)  # London time, also on the days the clocks change
    until_hour: int = Field(default=20, ge=1, le=24)
    batch: int = Field(default=50, ge=1, le=1000)  # texts queued in a minute

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> FollowUps:
        if self.until_hour <= self.from_hour:
            raise ValueError("until_hour must be after from_hour")
        return self


class StakeholderRules(CommissionPart):
    """So that the same people are not asked too often, nor kept on a list for ever."""

    ask_again_after_days: int = Field(default=60, ge=1, le=3660)  # by any team; sooner needs a reason
    kept_days: int = Field(default=1095, ge=30)  # after the last contact or change


class Place(CommissionPart):
    wards: list[Words] = []
    places: list[Words] = []


class Commission(CommissionPart):
    council: Words
    title: Words
    version: Words  # of the codeframe: change it with the themes
    definition: Definition
    purpose: list[Words] = Field(min_length=1)
    approach: list[Words] = Field(min_length=1)
    programme: list[ProgrammeItem] = Field(min_length=1)
    members: list[Member] = Field(min_length=1)
    contact: Contact
    ways_of_contributing: list[WayOfContributing] = Field(min_length=1)
    themes: list[Theme] = Field(min_length=2)
    help_lines: list[HelpLine] = Field(min_length=1)
    privacy: Privacy
    retention: Retention
    languages: list[LanguageCode] = Field(min_length=1)  # in the order of the menu
    names_to_protect: list[Words] = []
    # "pt-en" -> {"junta de freguesia": "parish council"}: words with one agreed translation.
    glossary: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}-[a-z]{2,3}$")], dict[str, Words]
    ] = {}
    place_names: Place = Place()
    follow_ups: FollowUps = FollowUps()
    stakeholders: StakeholderRules = StakeholderRules()

    def theme(self, key: str) -> Theme:
        """The theme with this key. Raises KeyError."""
        return {theme.key: theme for theme in self.themes}[key]

    @property
    def theme_keys(self) -> list[str]:
        return [theme.key for theme in self.themes]

    @property
    def protected_names(self) -> list[str]:
        """What a translation must leave as it is: names, wards and places, the longest first."""
        names = {*self.names_to_protect, *self.place_names.wards, *self.place_names.places}
        return sorted(names, key=lambda name: (-len(name), name))


class _Fault(Exception):
    """A fault found after the fields were read, at a place in the file."""

    def __init__(self, location: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message


def load_commission(path: Path) -> Commission:
    """The commission a file describes.

    Raises ConfigurationError with one line for each fault: "commission.yml, line 12: themes[1].lead: ...".
    """
    try:
        data = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name}: is not UTF-8 text") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = (error.problem or str(error)).split(" with value")[0]
        raise ConfigurationError(f"{path.name}, line {line}: {problem}") from error
    except YAMLError as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    if not isinstance(data, CommentedMap):
        raise ConfigurationError(f"{path.name}, line 1: must be a list of keys and values")
    try:
        commission = Commission.model_validate(_plain(data))
    except ValidationError as error:
        faults = [(tuple(fault["loc"]), _in_words(fault)) for fault in error.errors()]
    else:
        faults = [(fault.location, fault.message) for fault in _find_contradictions(commission)]
        if not faults:
            return commission
    lines = sorted((_line_of(data, location), _written(location), message) for location, message in faults)
    raise ConfigurationError(
        "\n".join(f"{path.name}, line {line}: {where}: {message}" for line, where, message in lines)
    )


def _find_contradictions(commission: Commission) -> list[_Fault]:
    faults: list[_Fault] = []
    members = {member.name for member in commission.members}
    methods = {way.key for way in commission.ways_of_contributing}
    for field in ("themes", "ways_of_contributing", "help_lines"):
        seen: set[str] = set()
        for index, item in enumerate(getattr(commission, field)):
            if item.key in seen:
                faults.append(_Fault((field, index, "key"), f"{item.key!r} is there twice"))
            seen.add(item.key)
    for index, code in enumerate(commission.languages):
        if code in commission.languages[:index]:
            faults.append(_Fault(("languages", index), f"{code!r} is there twice"))
    if OTHER_THEME not in commission.theme_keys:
        faults.append(
            _Fault(("themes",), f"needs a theme with the key {OTHER_THEME!r} for all that fits no other")
        )
    for index, theme in enumerate(commission.themes):
        if theme.key != OTHER_THEME and theme.lead is None:
            faults.append(_Fault(("themes", index, "lead"), "is missing"))
        elif theme.lead is not None and theme.lead not in members:
            faults.append(_Fault(("themes", index, "lead"), f"{theme.lead!r} is not among the members"))
        if not any(theme.exemplars.values()):
            faults.append(_Fault(("themes", index, "exemplars"), "needs at least one sentence"))
        faults += [
            _Fault(("themes", index, "names", code), f"{code!r} is not a language we know")
            for code in theme.names
            if code not in LANGUAGES
        ]
        if ENGLISH in theme.names:
            faults.append(_Fault(("themes", index, "names", ENGLISH), "the English name is the theme's name"))
        faults += [
            _Fault(("themes", index, "names_checked_in", place), f"{code!r} has no name")
            for place, code in enumerate(theme.names_checked_in)
            if code not in theme.names
        ]
        sub_codes = [code.key for code in theme.sub_codes]
        faults += [
            _Fault(("themes", index, "sub_codes", place, "key"), f"{key!r} is there twice")
            for place, key in enumerate(sub_codes)
            if key in sub_codes[:place]
        ]
        for number, invited in enumerate(theme.invited_contributors):
            at = ("themes", index, "invited_contributors", number)
            if invited.method not in methods:
                faults.append(_Fault((*at, "method"), f"{invited.method!r} is not a way of contributing"))
            faults += [
                _Fault((*at, "attended_by", place), f"{name!r} is not among the members")
                for place, name in enumerate(invited.attended_by)
                if name not in members
            ]
    return faults


def _plain(value: Any) -> Any:
    """The loaded file without what ruamel keeps beside it; strict pydantic wants the plain types."""
    if isinstance(value, CommentedMap):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, CommentedSeq):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    return value


def _line_of(data: Any, location: tuple[str | int, ...]) -> int:
    """The line (from 1) of the deepest part of `location` that the file has."""
    line = 1
    here = data
    for step in location:
        if isinstance(here, CommentedMap) and step in here:
            line = here.lc.key(step)[0] + 1
        elif isinstance(here, CommentedSeq) and isinstance(step, int) and step < len(here):
            line = here.lc.item(step)[0] + 1
        else:
            break
        here = here[step]
    return line


def _written(location: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".").removesuffix(".[key]") or "file"


def _in_words(fault: Any) -> str:
    kind = fault["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a key this file knows"
    message = re.sub(r"^(Value error|Input), ", "", fault["msg"])
    message = re.sub(r"^Input ", "", message)
    return message[0].lower() + message[1:]


_cache_lock = threading.Lock()
_cache: dict[Path, tuple[int, Commission]] = {}


def get_commission(path: Path | None = None) -> Commission:
    """The commission of the settings' file (or of `path`); read again only when the file has changed."""
    chosen = (path or StoreSettings().commission).resolve()
    try:
        changed_at = chosen.stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f"{chosen.name}: cannot be read: {error.strerror}") from error
    with _cache_lock:
        known = _cache.get(chosen)
        if known is None or known[0] != changed_at:
            known = (changed_at, load_commission(chosen))
            _cache[chosen] = known
        return known[1]
