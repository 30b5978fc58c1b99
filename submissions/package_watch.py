"""Notices language packages that were installed, by whatever way, and translates what waited for them.

`ownwords languages install` does so at once; a package that was copied into the data folder, or installed
while the database was down, is noticed by the worker within a minute.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from submissions import jobs
from submissions.database import unit_of_work
from submissions.models import Job, JobKind, JobStatus, Submission
from submissions.translation_jobs import TARGET_LANGUAGE, get_engine
from translations.registry import Registry

logger = logging.getLogger(__name__)


def translate_what_can_be() -> int:
    """Queues the translations that wait in a language that has a package now; how many."""
    engine = get_engine()
    if not isinstance(engine, Registry):  # only a registry's packages change while the program runs
        return 0
    with unit_of_work(read_only=True) as db:
        languages = db.scalars(
            select(Submission.source_language)
            .join(Job, Job.submission_id == Submission.id)
            .where(
                Job.kind == JobKind.TRANSLATE,
                Job.status == JobStatus.WAITING,
                Submission.source_language.is_not(None),
            )
            .distinct()
        ).all()
    count = 0
    for language in languages:
        if language is not None and engine.can_translate(language, TARGET_LANGUAGE):
            queued = jobs.requeue_waiting(language)
            logger.info("%d translations from %s were waiting for its package", queued, language)
            count += queued
    return count
