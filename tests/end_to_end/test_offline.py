"""After installation nothing in a message's path leaves this machine (looks back at the tests before it)."""

import os
import subprocess
import sys

from tests.end_to_end.people import Resident
from tests.end_to_end.running_system import OFFLINE


def test_the_guard_refuses_and_notes_a_connection_to_elsewhere(tmp_path):
    refused = tmp_path / "refused"
    environment = {**os.environ, "PYTHONPATH": str(OFFLINE), "OWNWORDS_TEST_REFUSED": str(refused)}
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "PermissionError" in result.stderr
    assert "192.0.2.1" in refused.read_text()


def test_a_whole_view_opens_no_connection_to_elsewhere(page, system):
    elsewhere = []
    page.on(
        "request",
        lambda request: None if request.url.startswith(system.url) else elsewhere.append(request.url),
    )
    Resident(page, system, "pt").sends_a_view("Português", "Queremos um dia de festa com todos os vizinhos.")
    assert elsewhere == []
    noted = system.refused_connections.read_text() if system.refused_connections.exists() else ""
    assert noted == ""
