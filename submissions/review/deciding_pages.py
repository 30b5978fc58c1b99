"""Puts together the pages of reading and deciding beyond the list and the view itself."""

from __future__ import annotations

from fastapi import APIRouter

from submissions.review import (
    codeframe_pages,
    evidence_pages,
    follow_up_pages,
    forum_pages,
    offer_pages,
    outcome_pages,
    paper_pages,
    queue_pages,
    redaction_pages,
    register_pages,
    reply_pages,
    round_pages,
    safeguarding_pages,
    session_pages,
    stakeholder_pages,
    summary_pages,
)
from submissions.review.web import DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
router.include_router(queue_pages.router)
router.include_router(reply_pages.router)
router.include_router(redaction_pages.router)
router.include_router(evidence_pages.router)
router.include_router(paper_pages.router)
router.include_router(session_pages.router)
router.include_router(offer_pages.router)
router.include_router(stakeholder_pages.router)
router.include_router(forum_pages.router)
router.include_router(follow_up_pages.router)
router.include_router(register_pages.router)
router.include_router(safeguarding_pages.router)
router.include_router(outcome_pages.router)
router.include_router(summary_pages.router)
router.include_router(round_pages.router)
router.include_router(codeframe_pages.router)
