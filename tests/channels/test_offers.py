"""Somebody who speaks for others is noted for the team on the way through the inbox."""

from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import Message, Offer
from tests.channels.conftest import wait_until


def offers() -> list[tuple[str, str | None]]:
    with unit_of_work(read_only=True) as db:
        rows = db.execute(
            select(Offer.kind, Message.original_text).join(Message, Message.id == Offer.message_id)
        )
        return [(row[0], row[1]) for row in rows]


def test_an_offer_in_chat_lands_on_the_teams_page_once(sqlite_gateway, bot):
    chat = sqlite_gateway.begin()
    chat.say("Português", choice="language:pt")
    chat.say("Fechem a biblioteca não, por favor")
    chat.say("Falo em nome da associação de moradores")
    wait_until(lambda: offers() == [("speaks_for", "Falo em nome da associação de moradores")])
