"""A sentence of a view and the English that counts for it."""

from __future__ import annotations

import hashlib

from submissions.models import Segment, SegmentTranslation, Submission

ENGLISH = "en"


def fingerprint(submission: Submission) -> str:
    """Changes with the view's messages and with the English that counts, whoever or whatever made it."""
    digest = hashlib.sha256(str(submission.source_language).encode())
    for part in submission.parts:
        digest.update(part.id.bytes)
        for segment in part.segments:
            current = current_translation(segment)
            digest.update(current.id.bytes if current else segment.id.bytes)
    return digest.hexdigest()[:32]


def segment_text(segment: Segment) -> str:
    return segment.part.original_text[segment.start : segment.end]


def current_translation(segment: Segment) -> SegmentTranslation | None:
    """The English that counts now: the newest current one, or None."""
    currents = [row for row in segment.translations if row.is_current and row.target_language == ENGLISH]
    return currents[-1] if currents else None
