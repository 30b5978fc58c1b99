"""The desk's menu: the kinds of work, and the pages of the kind somebody is at.

Twenty pages in one row would fill a telephone's screen; five kinds and the pages of one of them do not.
"""

from __future__ import annotations

from dataclasses import dataclass

from submissions.review.access import Permission, may
from submissions.review.sessions import Principal


@dataclass(frozen=True)
class Page:
    title: str
    address: str
    permission: Permission
    also: tuple[str, ...] = ()  # beginnings of further addresses that belong to it

    def covers(self, path: str) -> bool:
        """Whether an address is this page or one below it; the list at /desk is only itself."""
        if path == self.address:
            return True
        beginnings = self.also if self.address == "/desk" else (self.address, *self.also)
        return any(path == one or path.startswith(one + "/") for one in beginnings)


@dataclass(frozen=True)
class Entry:
    title: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class Menu:
    kinds: list[Entry]
    pages: list[Entry]


_KINDS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Views",
        (
            Page(
                "Submissions",
                "/desk",
                Permission.READ_SUBMISSIONS,
                ("/desk/submissions", "/desk/canned-replies"),
            ),
            Page("Safeguarding", "/desk/safeguarding", Permission.HANDLE_SAFEGUARDING),
            Page("Interpreters", "/desk/interpreters", Permission.READ_SUBMISSIONS),
            Page("Recordings", "/desk/recordings", Permission.READ_RECORD),
            Page("Codeframe", "/desk/codeframe", Permission.CODE_THEMES),
        ),
    ),
    (
        "Gathering",
        (
            Page("Sessions", "/desk/evidence-sessions", Permission.READ_RECORD),
            Page("Paper forms", "/desk/paper-forms", Permission.RECORD_CONTRIBUTIONS),
            Page("Forums", "/desk/forums", Permission.PREPARE_FOLLOW_UPS, ("/desk/follow-ups",)),
            Page("Stakeholders", "/desk/stakeholders", Permission.MANAGE_STAKEHOLDERS),
        ),
    ),
    (
        "Results",
        (
            Page("Overview", "/desk/overview", Permission.READ_RECORD),
            Page("Register", "/desk/register", Permission.READ_RECORD),
            Page("Briefings", "/desk/briefings", Permission.READ_BRIEFINGS),
            Page("Exports", "/desk/exports", Permission.EXPORT_DATA),
            Page("Outcomes", "/desk/outcomes", Permission.WRITE_OUTCOMES),
        ),
    ),
    (
        "Running",
        (
            Page("Problems", "/desk/problems", Permission.READ_RECORD),
            Page("Accounts", "/desk/accounts", Permission.MANAGE_ACCOUNTS),
            Page("API tokens", "/desk/api-tokens", Permission.MANAGE_ACCOUNTS),
            Page("Audit", "/desk/audit", Permission.READ_AUDIT),
        ),
    ),
)


def menu_of(principal: Principal, path: str, *, handles_urgent: bool = True) -> Menu:
    """What somebody may go to: each kind of work by its first page, and the pages of the kind they are at.

    Elsewhere, such as on their own account, no kind is current and no pages are shown. Without
    `handles_urgent` the safeguarding page is left out: it is the lead's.
    """
    kinds, pages = [], []
    for title, all_pages in _KINDS:
        allowed = [
            page
            for page in all_pages
            if may(principal, page.permission)
            and (handles_urgent or page.permission is not Permission.HANDLE_SAFEGUARDING)
        ]
        if not allowed:
            continue
        is_current = any(page.covers(path) for page in allowed)
        kinds.append(Entry(title, allowed[0].address, is_current))
        if is_current:
            pages = [Entry(page.title, page.address, page.covers(path)) for page in allowed]
    return Menu(kinds, pages)
