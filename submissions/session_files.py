"""Files of an evidence session: notes, letters, photographs, recordings, known by their content.

They lie encrypted beside those of residents, are only ever saved, never opened on a page, and go with the
session or with the one contribution they belong to.
"""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit, evidence_sessions, forgetting
from submissions.database import unit_of_work
from submissions.errors import ExportNotFound
from submissions.evidence_sessions import NotAccepted
from submissions.forgetting import Gone
from submissions.media import MediaStore, as_file
from submissions.models import EvidenceContribution, SessionFile, Submission
from submissions.references import normalise_reference
from translations.speech.probing import probe

LARGEST_BYTES = 10_000_000
MOST_FILES = 50  # of a session
NAME_LIMIT = 120
_OFFICE = "application/vnd.openxmlformats-officedocument."
# What may be attached, with the ending its name gets.
ENDINGS = {
    "application/pdf": ".pdf",
    f"{_OFFICE}wordprocessingml.document": ".docx",
    f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "audio/ogg": ".ogg",
    "audio/webm": ".webm",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
}
_NO_NAME = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+')


def media_type_of(content: bytes) -> str | None:
    """What the file is by its content; None when such files are not taken."""
    with as_file(content) as path:
        found = probe(path).media_type
    if found == "application/zip":
        return _office_type(content)
    return found if found in ENDINGS else None


def _office_type(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return None
    if any(name.casefold().endswith("vbaproject.bin") for name in names):
        return None  # it has macros
    if "word/document.xml" in names:
        return f"{_OFFICE}wordprocessingml.document"
    return f"{_OFFICE}spreadsheetml.sheet" if "xl/workbook.xml" in names else None


def safe_name(name: str, media_type: str) -> str:
    """The name without folders and characters that mislead, ending as its content does."""
    plain = _NO_NAME.sub(" ", PurePath(name.replace("\\", "/")).name)
    stem = " ".join(PurePath(plain).stem.split()).strip(". ") or "file"
    ending = ENDINGS[media_type]
    return stem[: NAME_LIMIT - len(ending)] + ending


def attach(
    store: MediaStore,
    session_id: uuid.UUID,
    name: str,
    content: bytes,
    *,
    actor: str,
    reference: str = "",
) -> uuid.UUID:
    """Keeps a file with the session, or with the contribution of that reference in it.

    Raises NotAccepted, SubmissionNotFound.
    """
    media_type = None
    if not content:
        raise NotAccepted({"file": "Choose a file."})
    if len(content) > LARGEST_BYTES:
        raise NotAccepted({"file": "The file is larger than 10 MB."})
    media_type = media_type_of(content)
    if media_type is None:
        raise NotAccepted(
            {"file": "Only PDF, Word (DOCX), Excel (XLSX) without macros, pictures and recordings are taken."}
        )
    stored_name = store.write(content)
    try:
        with unit_of_work() as db:
            evidence_sessions.find(db, session_id, lock=True)
            if len(list_files(db, session_id)) >= MOST_FILES:
                raise NotAccepted({"file": f"A session has at most {MOST_FILES} files."})
            file = SessionFile(
                id=uuid.uuid4(),
                session_id=session_id,
                submission_id=_contribution(db, session_id, reference),
                name=safe_name(name, media_type),
                media_type=media_type,
                byte_count=len(content),
                sha256=hashlib.sha256(content).digest(),
                stored_name=stored_name,
                added_by=actor,
            )
            db.add(file)
            audit.record(db, actor, "session_file.added", "evidence_session", session_id, bytes=len(content))
            return file.id
    except BaseException:
        (store.folder / stored_name).unlink(missing_ok=True)
        raise


def _contribution(db: Session, session_id: uuid.UUID, reference: str) -> uuid.UUID | None:
    if not reference:
        return None
    submission_id = db.scalars(
        select(Submission.id)
        .join(EvidenceContribution, EvidenceContribution.submission_id == Submission.id)
        .where(
            EvidenceContribution.session_id == session_id,
            Submission.reference == normalise_reference(reference),
        )
    ).one_or_none()
    if submission_id is None:
        raise NotAccepted({"file_of": "Choose a contribution of this session."})
    return submission_id


def list_files(db: Session, session_id: uuid.UUID) -> Sequence[SessionFile]:
    return db.scalars(
        select(SessionFile).where(SessionFile.session_id == session_id).order_by(SessionFile.added_at)
    ).all()


def find(db: Session, session_id: uuid.UUID, file_id: uuid.UUID) -> SessionFile:
    """Raises ExportNotFound, which the desk answers with 404."""
    file = db.get(SessionFile, file_id)
    if file is None or file.session_id != session_id:
        raise ExportNotFound(file_id)
    return file


def remove(session_id: uuid.UUID, file_id: uuid.UUID, *, actor: str) -> None:
    """Raises ExportNotFound."""
    with unit_of_work() as db:
        file = find(db, session_id, file_id)
        forget_files(db, [file])
        db.delete(file)
        audit.record(db, actor, "session_file.removed", "evidence_session", session_id)


def forget_files(db: Session, files: Iterable[SessionFile]) -> None:
    """Has the files themselves deleted once the caller's unit of work, which deletes the rows, commits."""
    forgetting.forget_later(db, Gone(media_files=tuple(file.stored_name for file in files)))


def stored_names_of(db: Session, submission_id: uuid.UUID) -> tuple[str, ...]:
    """For erasing a contribution: its own files go too. The rows go by their foreign key."""
    names = select(SessionFile.stored_name).where(SessionFile.submission_id == submission_id)
    return tuple(db.scalars(names))
