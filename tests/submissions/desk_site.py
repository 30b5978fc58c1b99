"""The desk alone, with submissions of our own making: for its tests, and to look at.

    python -m tests.submissions.desk_site --port 20400 --data var/desk-sample

prints the reviewer's username and password and serves /desk until Ctrl-C.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from submissions import audit, database
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.models import (
    CandidateTheme,
    Job,
    JobKind,
    JobStatus,
    Message,
    Reviewer,
    Role,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
    utc_now,
)
from submissions.references import new_reference
from submissions.review import accounts, desk_api, pages, passwords
from tests.factories import make_conversation, make_message
from translations.segmentation import split

PASSWORD = "quiet harbour velvet lamp"


def make_app() -> FastAPI:
    app = FastAPI()
    app.include_router(pages.router)
    app.include_router(desk_api.router)
    return app


@cache
def usual_app() -> FastAPI:
    """One for all desks of a test run that need nothing of their own: making one takes longer than a test."""
    return make_app()


def make_reviewer(username: str = "ana", role: str = Role.REVIEWER, name: str = "Ana Reis") -> Reviewer:
    """An account whose owner has chosen PASSWORD."""
    accounts.add_reviewer(username, name, role)
    with unit_of_work() as db:
        reviewer = db.scalars(select(Reviewer).where(Reviewer.username == username)).one()
        reviewer.password_hash = _hash()
        reviewer.must_change_password = False
        return reviewer


def _hash(known: list[str] = []) -> str:  # noqa: B006  made once; argon2 is slow on purpose
    if not known:
        known.append(passwords.hash_password(PASSWORD))
    return known[0]


class Desk:
    """A browser of one person at the desk."""

    def __init__(self, app: FastAPI | None = None) -> None:
        self.client = TestClient(app or usual_app(), follow_redirects=False)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def sign_in(self, username: str = "ana", password: str = PASSWORD, **more: str) -> httpx.Response:
        token = hidden(self.client.get("/desk/sign-in").text, "form_token")
        fields = {"form_token": token, "username": username, "password": password, **more}
        return self.client.post("/desk/sign-in", data=fields)

    def signed_in(self, username: str = "ana") -> Desk:
        passwords.forget_all_guesses()  # the tests sign in more often than anybody at one address
        response = self.sign_in(username)
        assert response.status_code == 303, response.text
        return self

    def post(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Posts as the form on `page` would: with its CSRF token, version and fingerprint."""
        html = self.client.get(page).text
        kept = {name: hidden(html, name) for name in ("csrf_token", "version", "fingerprint")}
        return self.client.post(path, data={k: v for k, v in kept.items() if v} | fields)


def hidden(html: str, name: str) -> str:
    """The value of a hidden field, "" when the page has none."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', html)
    return found[1] if found else ""


def make_submission(
    *texts: str,
    english: list[str | None] | None = None,
    language: str | None = "pt",
    status: str = SubmissionStatus.RECEIVED,
    translation_status: str = TranslationStatus.MACHINE,
    themes: dict[str, float] | None = None,
    flags: list[str] | None = None,
    hours_ago: float = 1,
    **values: Any,
) -> str:
    """A sent submission's reference. `english` holds one translation for each sentence, over all texts."""
    sent_at = utc_now() - dt.timedelta(hours=hours_ago)
    channel = values.pop("channel", "web_chat")
    conversation_id = make_conversation(language=language, channel=channel)
    ids = [make_message(conversation_id, text, detected_language=language) for text in texts]
    reference = new_reference()
    waiting = list(english or [])
    with unit_of_work() as db:
        submission = Submission(
            id=uuid.uuid4(),
            reference=reference,
            conversation_id=conversation_id,
            channel=channel,
            status=status,
            source_language=language,
            source_language_confidence=0.97 if language else None,
            consented_at=sent_at,
            submitted_at=sent_at,
            created_at=sent_at,
            **values,
        )
        db.add(submission)
        for position, (text, message_id) in enumerate(zip(texts, ids, strict=True)):
            part = SubmissionPart(
                id=uuid.uuid4(),
                position=position,
                message_id=message_id,
                original_text=text,
                original_sha256=sha256_of(text),
                added_at=sent_at,
            )
            submission.parts.append(part)
            for number, piece in enumerate(split(text, language)):
                segment = Segment(id=uuid.uuid4(), position=number, start=piece.start, end=piece.end)
                part.segments.append(segment)
                if language == "en" or not text[piece.start : piece.end].strip():
                    continue
                translation = waiting.pop(0) if waiting else None
                segment.translations.append(
                    SegmentTranslation(
                        source_language=language,
                        target_language="en",
                        text=translation,
                        status=translation_status if translation else TranslationStatus.WAITING_FOR_PACKAGE,
                        engine="argos" if translation else None,
                        model=f"argos {language}-en 1.9" if translation else None,
                        quality=0.86 if translation else None,
                        flags=list(flags or []) if translation else [],
                        is_current=True,
                    )
                )
        for key, confidence in (themes or {}).items():
            db.add(
                CandidateTheme(
                    submission_id=submission.id,
                    theme_key=key,
                    confidence=confidence,
                    model="e5-small",
                    codeframe_version="2016-03",
                )
            )
        if any(row.text is None for p in submission.parts for s in p.segments for row in s.translations):
            db.add(Job(kind=JobKind.TRANSLATE, submission_id=submission.id, status=JobStatus.WAITING))
        audit.record(db, audit.RESIDENT, "submission.sent", "submission", submission.id)
    return reference


def find(reference: str) -> Submission:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Submission).where(Submission.reference == reference)).one()


def segment_ids(reference: str) -> list[uuid.UUID]:
    with unit_of_work(read_only=True) as db:
        return list(
            db.scalars(
                select(Segment.id)
                .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
                .join(Submission, Submission.id == SubmissionPart.submission_id)
                .where(Submission.reference == reference)
                .order_by(SubmissionPart.position, Segment.position)
            )
        )


def make_sample() -> list[str]:
    """A dozen views as they come in a busy week; their references, the urgent one first."""
    urgent = make_submission(
        "لا تغلقوا المكتبة، هناك يلتقي الجيران.",
        "بعض الناس يصرخون علينا عند محطة الحافلات، وابنتي تخاف أن تذهب إلى المدرسة وحدها. "
        "نحن هنا منذ 15 سنة.",
        english=[
            "Do not close the library, the neighbours meet there.",
            "Some people shout at us at the bus station, and my daughter is afraid to go to school alone.",
            "We have been here for years.",
        ],
        translation_status=TranslationStatus.NEEDS_PERSON,
        flags=["numbers_lost"],
        language="ar",
        is_urgent=True,
        themes={"safeguarding": 0.91, "community_engagement": 0.44},
        hours_ago=5,
    )
    _converse(urgent)
    references = [urgent]
    references.append(
        make_submission(
            " Não fechem a biblioteca!\nÉ lá que os vizinhos se encontram. 📚",
            "E os meus filhos fazem lá os trabalhos de casa, porque em casa não há espaço.",
            english=[
                "Don't close the library!",
                "It's where the neighbours meet.",
                "📚",
                "And my children do their homework there, because at home there is no space.",
            ],
            themes={"community_engagement": 0.88, "opportunity_empowerment": 0.61},
        )
    )
    references.append(
        make_submission(
            "Mein-Wort: "
            + "Nachbarschaftszusammenhaltsförderungsmaßnahmenkoordination" * 2
            + " 👪 jest ważne.",
            english=["The coordination of measures for neighbourhood cohesion is important. 👪"],
            language="pl",
            themes={"community_engagement": 0.52},
            hours_ago=30,
            channel="whatsapp",
        )
    )
    references.append(
        make_submission(
            "Ha xirina maktabadda, halkaas ayay deriska ku kulmaan. Carruurtayda halkaas ayay wax bartaan.",
            language="so",
            channel="sms",
            hours_ago=77,
        )
    )
    references.append(
        make_submission(
            "লাইব্রেরি বন্ধ করবেন না। আমাদের এলাকার বয়স্ক মহিলারা সেখানে ইংরেজি শেখেন।",
            english=["Don't close the library.", "The older women of our area learn English there."],
            language="bn",
            translation_status=TranslationStatus.APPROVED,
            status=SubmissionStatus.APPROVED,
            themes={"opportunity_empowerment": 0.74},
            hours_ago=52,
        )
    )
    references.append(
        make_submission(
            "Please do not close the library. It is where neighbours meet <script>alert(1)</script>.",
            language="en",
            channel="web_form",
            themes={"community_engagement": 0.83},
            hours_ago=3,
        )
    )
    references.append(make_submission("ስለ ሰፈራችን መናገር እፈልጋለሁ።", language=None, hours_ago=26, channel="sms"))
    references.append(
        make_submission(
            "Queremos más actividades para los jóvenes. Por la noche no hay luz en el parque y nadie va.",
            english=[
                "We want more activities for young people.",
                "At night there is no light in the park and nobody goes.",
            ],
            language="es",
            status=SubmissionStatus.IN_REVIEW,
            themes={"opportunity_empowerment": 0.69, "safeguarding": 0.33},
            hours_ago=9,
        )
    )
    for number in range(4):
        references.append(
            make_submission(
                f"Il y a {number + 2} familles dans notre immeuble qui ne parlent à personne.",
                english=[f"There are {number + 2} families in our building who don't talk to anyone."],
                language="fr",
                themes={"identity_faith_values": 0.48},
                hours_ago=100 + number * 30,
            )
        )
    with unit_of_work() as db:
        failed = find(references[-1])
        db.add(
            Job(
                kind=JobKind.FIND_THEMES,
                submission_id=failed.id,
                status=JobStatus.FAILED,
                attempts=6,
                last_error="ModelNotLoaded: argos fr-en 1.9 could not be loaded: model.bin is damaged",
            )
        )
    return references


def _converse(reference: str) -> None:
    """What else was said in the conversation of this submission."""
    conversation_id = find(reference).conversation_id
    assert conversation_id is not None
    make_message(conversation_id, "هل هذا مجهول الهوية؟", detected_language="ar", intent="ask_privacy")
    make_message(conversation_id, "أنا خائف الآن", detected_language="ar", intent="report_danger")
    with unit_of_work() as db:
        last = db.scalars(
            select(Message)
            .where(Message.conversation_id == conversation_id)
            .order_by(Message.position.desc())
        ).first()
        assert last is not None
        db.add(
            Message(
                conversation_id=conversation_id,
                position=last.position + 100,
                direction="out",
                channel="web_chat",
                message_key="danger_help",
                text="إذا كنت في خطر الآن، اتصل بالرقم 999.",
                blocks=[
                    {"text": "إذا كنت في خطر الآن، اتصل بالرقم 999.", "lang": "ar", "dir": "rtl"},
                    {"text": "Police, not urgent: 101", "lang": "en", "dir": "ltr"},
                ],
                language="ar",
                delivery_status="delivered",
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=20400)
    parser.add_argument("--data", type=Path, required=True, help="an empty folder for the sample's database")
    given = parser.parse_args()
    database.configure(f"sqlite:///{given.data / 'desk.db'}")
    database.migrate()
    make_reviewer("ana", Role.ADMIN)
    references = make_sample()
    print(f"http://127.0.0.1:{given.port}/desk  ana  {PASSWORD}  {references[0]}", flush=True)
    uvicorn.run(make_app(), host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
