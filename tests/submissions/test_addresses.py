"""Numbers at rest: unreadable, found again, deleted when promised, known where somebody said stop."""

from __future__ import annotations

import datetime as dt

import pytest

from submissions import addresses
from submissions.addresses import find_or_add_address, forget_addresses, readable_address
from submissions.database import unit_of_work
from submissions.errors import ConfigurationError
from submissions.models import Address, Channel, OptOutWay, Purpose, utc_now
from submissions.opt_outs import is_opted_out, record_opt_out
from submissions.settings import StoreSettings

NUMBER = "+447700900123"


@pytest.fixture(autouse=True)
def keys(tmp_path):
    addresses.configure_keys(StoreSettings(data=tmp_path))


def add(number=NUMBER, **values):
    with unit_of_work() as db:
        return find_or_add_address(db, channel=Channel.SMS, phone=number, **values)


def test_a_number_is_found_again_and_cannot_be_read_without_the_secret(database, tmp_path):
    first = add()
    assert add().id == first.id
    assert add("+447700900124").id != first.id
    assert NUMBER.encode() not in first.address_encrypted
    assert readable_address(first) == NUMBER
    assert (tmp_path / "address_key").stat().st_mode & 0o777 == 0o600
    addresses.configure_keys(StoreSettings(data=tmp_path, address_key="another secret, of some length"))
    with pytest.raises(ConfigurationError):
        readable_address(first)


def test_a_short_secret_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="OWNWORDS_ADDRESS_KEY"):
        addresses.configure_keys(StoreSettings(data=tmp_path, address_key="short"))


def test_a_quiet_number_goes_but_a_stop_stays_known(database):
    quiet, stopped = add(), add("+447700900124")
    with unit_of_work() as db:
        for address_id in (quiet.id, stopped.id):
            db.get_one(Address, address_id).last_inbound_at = utc_now() - dt.timedelta(days=100)
        record_opt_out(db, db.get_one(Address, stopped.id), way=OptOutWay.WORDS, words="STOP")
    limit = utc_now() - dt.timedelta(days=90)
    assert forget_addresses(limit, dry_run=True) == 2
    assert forget_addresses(limit, dry_run=False) == 2
    assert forget_addresses(limit, dry_run=False) == 0
    again = add("+447700900124")
    assert again.id == stopped.id
    with unit_of_work(read_only=True) as db:
        assert db.get(Address, quiet.id) is None
        assert is_opted_out(db, again.id, Purpose.FOLLOW_UPS)
    assert readable_address(again) == "+447700900124"
