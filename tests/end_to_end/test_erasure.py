"""Canaries sent into the running system by every channel; erased or taken back, no file of it holds one."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import httpx

from tests.end_to_end.people import REFERENCE
from tests.end_to_end.running_system import PROJECT, RunningSystem, free_port
from tests.end_to_end.test_failures import ApiResident

CANARY = "Kanarivogel{}b8"
NUMBER = "+447700900177"


def by_chat(system: RunningSystem, words: str) -> str:
    resident = ApiResident(system)
    resident.say("English")
    resident.say("I agree")
    resident.say(f"The library should open on Sundays, {words}.")
    resident.say("that's all")
    return REFERENCE.search("\n".join(resident.say("send it")))[0]


def by_form(system: RunningSystem, words: str) -> str:
    with httpx.Client(base_url=system.url, timeout=60) as http:
        token = re.search(r'name="form" value="([^"]+)"', http.get("/form?lang=en").text)[1]
        http.post(
            "/form?lang=en",
            data={"form": token, "text": f"More benches, {words}.", "consent": "yes", "text_language": "en"},
        )
        http.get(f"/form/{token}?lang=en")
        sent = http.post(f"/form/{token}?lang=en")
        return REFERENCE.search(http.get(sent.headers["location"]).text)[0]


def by_phone(system: RunningSystem, words: str, channel: str) -> str:
    with httpx.Client(base_url=f"{system.url}/simulator", timeout=60) as http:

        def heard() -> list[str]:
            messages = http.get("/state", params={"number": NUMBER}).json()["messages"]
            return [one["text"] for one in messages if one["channel"] == channel and not one["from_resident"]]

        def say(text: str) -> str:
            before = len(heard())
            http.post("/messages", json={"number": NUMBER, "channel": channel, "text": text})
            deadline = time.monotonic() + 90
            while len(heard()) == before:
                assert time.monotonic() < deadline, f"no answer by {channel}"
                time.sleep(0.2)
            time.sleep(1)
            return "\n".join(heard()[before:])

        for text in ("English", "I agree", f"Street lights in the park, {words}.", "Finish"):
            say(text)
        answer = say("Send it")
        assert "one message when the council says" in answer
        return REFERENCE.search(answer)[0]


def correct(system: RunningSystem, reference: str, words: str) -> None:
    with httpx.Client(base_url=system.url, timeout=60, follow_redirects=True) as http:
        page = http.post("/my-submission?lang=en", data={"reference": reference})
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        done = http.post("/my-submission/correct?lang=en", data={**fields, "text": f"Corrected, {words}."})
        assert "Your view was changed." in done.text


def withdraw(system: RunningSystem, reference: str) -> None:
    with httpx.Client(base_url=system.url, timeout=60, follow_redirects=True) as http:
        page = http.post("/my-submission?lang=en", data={"reference": reference})
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        assert "taken back" in http.post("/my-submission/withdraw?lang=en", data=fields).text


def erase(system: RunningSystem, reference: str, **environment: str) -> str:
    done = subprocess.run(
        [PROJECT / ".venv/bin/ownwords", "erase", reference, "--yes"],
        env={**system.environment, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_with(folder: Path, words: str) -> list[str]:
    needle = words.lower().encode()
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and needle in path.read_bytes().lower()
    ]


def wait_until_gone(folder: Path, words: str, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while left := files_with(folder, words):
        assert time.monotonic() < deadline, left
        time.sleep(2)


def test_what_is_erased_or_taken_back_is_in_no_file_of_the_running_system(system):
    ways = {"chat": by_chat, "form": by_form}
    ways["sms"] = lambda system, words: by_phone(system, words, "sms")
    ways["whatsapp"] = lambda system, words: by_phone(system, words, "whatsapp")
    references = {name: send(system, CANARY.format(name)) for name, send in ways.items()}
    correct(system, references["form"], CANARY.format("form") + " again")
    for name in ways:
        assert files_with(system.data, CANARY.format(name)) != []
    time.sleep(3)  # translations and themes

    withdraw(system, references["whatsapp"])
    # The assistant cannot be reached from here: the rest goes at once, and the worker goes on with it.
    nowhere = f"http://127.0.0.1:{free_port()}"
    said = erase(system, references["chat"], OWNWORDS_BOT_URL=nowhere)
    assert "Not everything is forgotten yet" in said
    assert "assistant" in said
    for name in ("form", "sms"):
        assert erase(system, references[name]).startswith(f"{references[name]} erased")
    for name in ("chat", "form", "sms"):
        wait_until_gone(system.data, CANARY.format(name), 30)
    wait_until_gone(system.data, CANARY.format("whatsapp"), 240)
    # Of what was taken back it is still known that it was.
    with httpx.Client(base_url=system.url, timeout=60, follow_redirects=True) as http:
        assert (
            "you took it back"
            in http.post("/my-submission?lang=en", data={"reference": references["whatsapp"]}).text
        )
        assert (
            "cannot find" in http.post("/my-submission?lang=en", data={"reference": references["sms"]}).text
        )
