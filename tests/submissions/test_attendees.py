"""Who came to a forum: each number, language and consent checked, and a file taken in whole or not at all."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from submissions.addresses import readable_address
from submissions.database import unit_of_work
from submissions.follow_ups import attendee_files, attendees
from submissions.follow_ups.errors import FileNotRead, NotAccepted, NumberNotUsable, RowsNotAccepted
from submissions.follow_ups.numbers import masked, read_mobile_number
from submissions.models import Address, Attendee, utc_now
from tests.submissions.forums import ANA, attendee, make_forum, use_keys
from tests.submissions.threads import in_threads

HEADINGS = "phone,language,consented_on\n"
TOMORROW = (utc_now() + dt.timedelta(days=2)).date().isoformat()
RECENT = (utc_now() - dt.timedelta(days=20)).date()


@pytest.fixture
def forum_id(database, tmp_path):
    use_keys(tmp_path)
    return make_forum({})


def take_in(forum_id, content: str | bytes) -> int:
    rows = attendee_files.read_file(content.encode() if isinstance(content, str) else content)
    with unit_of_work() as db:
        return attendees.import_rows(db, forum_id, rows, actor=ANA)


def count(model=Attendee) -> int:
    with unit_of_work(read_only=True) as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+447911123456", "+447911123456"),
        (" 07911 123456 ", "+447911123456"),
        ("447911123456", "+447911123456"),  # a spreadsheet ate the plus
        ("7911123456", "+447911123456"),  # or the nought
        ("٠٧٩١١١٢٣٤٥٦", "+447911123456"),
        ("+48 601 234 567", "+48601234567"),
        ("+12025550123", "+12025550123"),
        ("07700 900123", "+447700900123"),  # of films, and of our simulator
    ],
)
def test_a_mobile_number_is_read_however_it_is_written(typed, number):
    assert read_mobile_number(typed) == number


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "missing"),
        ("020 7946 0018", "not a mobile"),
        ("0800 123456", "not a mobile"),
        ("070 1234 5678", "not a mobile"),
        ("4.47911E+11", "spreadsheet"),
        ("0791112345", "no such number"),
        ("+999123456789", "not a telephone number"),
        ("call me", "not a telephone number"),
        ("=1+1", "not a telephone number"),
        ("0" * 500, "too long"),
    ],
)
def test_a_number_that_takes_no_texts_is_refused_with_the_reason(typed, why):
    with pytest.raises(NumberNotUsable, match=f"(?i){why}") as refused:
        read_mobile_number(typed)
    assert len(typed) < 4 or typed not in refused.value.reason


def test_a_list_shows_no_more_of_a_number_than_tells_two_people_apart():
    assert masked("+447911123456") == "+44 … 456"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADINGS}07700900123,Polish,{RECENT}\n07700900124,العربية,{RECENT:%d/%m/%Y}\n".encode(),
        f"\ufeff{HEADINGS}07700900123,pl,{RECENT}\r\n\r\n07700900124,ar,{RECENT}\r\n".encode(),
        f"Number;Lang;Consent date;Name\n07700900123;PL;{RECENT};Jan\n"
        f"'07700900124;Arabic;{RECENT};ليلى".encode(),
        f"phone\tlanguage\tconsent\n07700900123\tpl\t{RECENT}\n07700900124\tar\t{RECENT}\n".encode("utf-16"),
        f'"Consented_on","PHONE","Language","channel"\n"{RECENT}","07700 900123","polski","SMS"\n'
        f'"{RECENT} 00:00:00","07700 900124","ar","WhatsApp"'.encode(),
    ],
    ids=["comma", "bom-and-empty-lines", "semicolons", "utf-16-tabs", "quoted"],
)
def test_a_file_is_taken_in_as_spreadsheets_write_it(forum_id, content):
    assert take_in(forum_id, content) == 2
    with unit_of_work(read_only=True) as db:
        rows = db.execute(select(Attendee, Address).join(Address, Address.id == Attendee.address_id)).all()
        assert {(row.language, readable_address(address)) for row, address in rows} == {
            ("pl", "+447700900123"),
            ("ar", "+447700900124"),
        }
        assert {row.consented_on for row, _ in rows} == {RECENT}
        assert not any(b"7700900123" in address.address_encrypted for _, address in rows)


def test_bad_rows_are_all_listed_and_nobody_is_taken_in(forum_id):
    take_in(forum_id, f"{HEADINGS}07700900199,pl,{RECENT}\n")
    content = HEADINGS + "\n".join(
        [
            f"07700900123,pl,{RECENT}",  # 2: right
            f"020 7946 0018,pl,{RECENT}",
            f"07700900124,Klingon,{RECENT}",
            "07700900125,ar,",
            f"07700900126,ar,{TOMORROW}",
            "07700900127,ar,31/02/2026",
            "07700900128,ar,June",
            f"07700 900123,pl,{RECENT}",  # 9: as line 2
            f"07700900199,pl,{RECENT}",  # 10: on the list
            "07700900129,ar,2001-01-01",
            ",,",
        ]
    )
    with pytest.raises(RowsNotAccepted) as refused:
        take_in(forum_id, content)
    assert refused.value.rows == 10
    assert dict(refused.value.faults) == {
        3: "This is not a mobile number, so it takes no text messages.",
        4: "This is not a language we know.",
        5: "The date on which they agreed to be texted is missing.",
        6: "The date of their agreement is in the future.",
        7: "The date of their agreement does not exist. Days come before months: 14/07/2016.",
        8: "Write the date of their agreement as 2016-07-14 or 14/07/2016.",
        9: "The number is the same as on line 2.",
        10: "This number is on the list already.",
        11: "They agreed more than two years ago. Ask them again.",
    }
    assert count() == count(Address) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (HEADINGS.encode(), "no rows"),
        (b"PK\x03\x04workbook", "workbook"),
        ("phone,language,consented_on\n07700900123,Fran\xe7ais,2026-01-01".encode("latin-1"), "line 2"),
        (b"name,age\nJan,3\n", "Missing: phone, language, consented_on"),
        (b"phone,phone,language,consented_on\n1,2,3,4\n", "Two columns"),
        (b'phone,language,consented_on\n"07700,pl,2026-01-01\n', "cannot be read"),
        (b"phone,language\x00,consented_on\n1,2,3\n", "not a CSV"),
        (HEADINGS.encode() + b"1,pl,2026-01-01\n" * 2_001, "more than 2,000"),
        (b"a" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(content, why):
    with pytest.raises(FileNotRead, match=why):
        attendee_files.read_file(content)


def test_one_person_is_on_a_list_once_also_when_two_add_them_at_once(forum_id):
    def add() -> bool:
        try:
            with unit_of_work() as db:
                attendees.add_one(db, forum_id, attendee("07700900123"), actor=ANA)
        except NotAccepted as refused:
            assert refused.problems == {"phone": attendees.ALREADY_THERE}  # noqa: PT017
            return False
        return True

    assert sorted(in_threads(2, lambda _: add())) == [False, True]
    assert count() == 1
    with pytest.raises(NotAccepted), unit_of_work() as db:  # the same person by WhatsApp
        attendees.add_one(db, forum_id, attendee("+447700900123", channel="whatsapp"), actor=ANA)
