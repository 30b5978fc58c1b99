"""Forms with a file: who may send one, how large it may be, and that the form is ours."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache

from fastapi import Request
from starlette.datastructures import UploadFile

from submissions.review.access import SIGNED_IN, Permission, PrincipalOfSession, may
from submissions.review.errors import (
    FormNotGenuine,
    FormTooLarge,
    NotAllowed,
    PasswordChangeDue,
    SecondFactorDue,
)
from submissions.review.sessions import Principal

UPLOAD_LIMIT_BYTES = 10_000_000
_FIELDS_LIMIT_BYTES = 100_000


@dataclass(frozen=True)
class Upload:
    """A form with at most one file, of a person who may send it; `content` is empty when none was chosen."""

    principal: Principal
    fields: dict[str, str]
    filename: str
    content: bytes


class UploadRule:
    """As `access.SessionRule`, for a form of type multipart/form-data; its CSRF token is checked here too."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        self.access_rule = f"{SIGNED_IN}:{permission}"

    async def __call__(self, request: Request, principal: PrincipalOfSession) -> Upload:
        if principal.must_change_password:
            raise PasswordChangeDue
        if principal.must_add_second_factor:
            raise SecondFactorDue
        if not may(principal, self.permission):
            raise NotAllowed(self.permission)
        length = request.headers.get("content-length", "")
        # The server holds a sender to the length it announced; without one nothing is read.
        if not length.isdecimal() or int(length) > UPLOAD_LIMIT_BYTES + _FIELDS_LIMIT_BYTES:
            raise FormTooLarge
        fields: dict[str, str] = {}
        filename, content = "", b""
        async with request.form(max_files=1, max_fields=20, max_part_size=_FIELDS_LIMIT_BYTES) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    filename, content = value.filename or "", await value.read()
                else:
                    fields[name] = value
        given = fields.get("csrf_token", "")
        if not given or not hmac.compare_digest(given.encode(), principal.csrf_token.encode()):
            raise FormNotGenuine
        return Upload(principal, fields, filename, content)


@lru_cache
def require_upload(permission: Permission) -> UploadRule:
    """The rule for a page that takes a file."""
    return UploadRule(permission)
