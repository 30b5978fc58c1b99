"""Makes the pages' files small on their way: 250 kB of styles and scripts become 60 for a slow phone.

Only files that are the same for everybody. A page that holds a secret (a form's token) beside text that
somebody else may have chosen would tell the secret by its compressed length (BREACH, CVE-2013-3587).
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PATHS = ("/static/", "/widget.js", "/desk/static/")
LEAST_BYTES = 500  # below that the headers of the answer weigh more than what is saved


class CompressedFiles:
    """ASGI middleware: static files go compressed to whoever accepts that, everything else as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, minimum_size=LEAST_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["path"].startswith(PATHS)
        await (self._compressed if is_file else self._app)(scope, receive, send)
