"""Loaded by every Python process of the system under test: no socket may leave this machine.

Each try is written to the file named in OWNWORDS_TEST_REFUSED (the test reads it) and refused. Runs in both
environments, so it keeps to what Python 3.10 knows.
"""

import os
import sys
import traceback


def _refuse(address: object) -> None:
    with open(os.environ["OWNWORDS_TEST_REFUSED"], "a", encoding="utf-8") as file:
        where = traceback.extract_stack()[-4]
        file.write(f"{' '.join(sys.argv)[:80]} wanted {address!r} at {where.filename}:{where.lineno}\n")
    raise PermissionError(f"the test forbids a connection to {address!r}")


def _is_loopback(host: object) -> bool:
    return str(host) in ("localhost", "::1", "0.0.0.0", "::", "", "None") or str(host).startswith("127.")


def _watch(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            _refuse(address)
    elif event == "socket.getaddrinfo" and not _is_loopback(arguments[0]):
        _refuse(arguments[0])


if os.environ.get("OWNWORDS_TEST_REFUSED"):
    sys.addaudithook(_watch)
