"""What can go wrong in the record. Web code turns these into answers in one place."""

from __future__ import annotations

import uuid
from pathlib import Path


class SubmissionError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(SubmissionError):
    """A setting or `commission.yml` is wrong; it stops the start, by name."""


class DatabaseUnavailable(SubmissionError):
    """The database cannot be reached or is locked; the same call may work later."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"The database {address} cannot be used: {reason}")
        self.address = address  # without its password
        self.reason = reason


class ConversationNotFound(SubmissionError):
    def __init__(self, conversation_id: uuid.UUID) -> None:
        super().__init__(f"no conversation {conversation_id}")
        self.conversation_id = conversation_id


class MessageNotFound(SubmissionError):
    """The message does not exist, or is not an inbound message of that conversation."""

    def __init__(self, message_id: uuid.UUID) -> None:
        super().__init__(f"no message {message_id} in this conversation")
        self.message_id = message_id


class SubmissionNotFound(SubmissionError):
    def __init__(self, reference: str) -> None:
        super().__init__(f"no submission {reference}")
        self.reference = reference


class SubmissionClosed(SubmissionError):
    """The submission was withdrawn, so nothing can be added to it."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"submission {reference} was withdrawn")
        self.reference = reference


class ConsentMissing(SubmissionError):
    """The resident has not agreed, or has said no, so nothing of theirs may be sent."""

    def __init__(self, conversation_id: uuid.UUID) -> None:
        super().__init__(f"no consent in conversation {conversation_id}")
        self.conversation_id = conversation_id


class LeaseLost(SubmissionError):
    """Another worker has taken the conversation over; what this one prepared must not be stored."""

    def __init__(self, conversation_id: uuid.UUID) -> None:
        super().__init__(f"the lease on conversation {conversation_id} has gone to another worker")
        self.conversation_id = conversation_id


class WriteAheadFileNotWritable(ConfigurationError):
    """Without it a message could be lost while the database is down, so it stops the start."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The write-ahead file {path} cannot be written: {reason}")
        self.path = path


class MediaNotFound(SubmissionError):
    """The file was erased, or never arrived."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no such file: {name}")
        self.name = name


class ExportNotFound(SubmissionError):
    """The file was never asked for, is not ready, or its day is over."""

    def __init__(self, export_id: uuid.UUID) -> None:
        super().__init__(f"no export {export_id}")
        self.export_id = export_id


class PdfNotAvailable(SubmissionError):
    """Pango is not there, so no PDF can be drawn; the DOCX can."""

    def __init__(self) -> None:
        super().__init__(
            "PDF files cannot be made on this machine: its administrator has to install the Debian packages "
            "libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0, fonts-noto-core and fonts-wqy-microhei"
        )


class RealViewsThere(SubmissionError):
    """Demonstration data would be counted together with residents' views."""

    def __init__(self) -> None:
        super().__init__(
            "There are residents' views here: every figure, briefing and file would count made-up ones too. "
            "Use another data folder (OWNWORDS_DATA), or say --beside-real if that is what you want"
        )
