"""docker-compose.yml without an engine: it reads as the specification has it and starts what `make` does."""

import re
from pathlib import Path

import pytest
from compose_spec import PyCompose
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parent.parent
COMPOSE = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
OURS = ("web", "worker", "bot", "actions")


def services() -> dict:
    return YAML(typ="safe").load(COMPOSE)["services"]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_file_is_what_the_compose_specification_describes():
    assert sorted(PyCompose.from_yaml(COMPOSE).service_names()) == sorted(["database", *OURS])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("restart: unless-stopped", "restart: perhaps"),
        ("networks: [inside]", "networks: 7"),
        ("image: postgres", "imag: p"),
    ],
)
def test_a_mistake_in_the_file_would_be_found(right, wrong):
    assert right in COMPOSE
    with pytest.raises(ValueError):
        PyCompose.from_yaml(COMPOSE.replace(right, wrong, 1))


def test_every_service_of_ours_runs_a_command_the_makefile_also_runs():
    for name in OURS:
        command = services()[name]["command"]
        assert command[0] == "make"
        assert command[1] in make_targets(), (
            f"{name} runs make {command[1]}, which the Makefile does not know"
        )


def test_images_are_built_from_targets_the_dockerfile_has():
    stages = set(
        re.findall(r"^FROM \S+ AS (\S+)", (PROJECT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    wanted = {service["build"]["target"] for service in services().values() if "build" in service}
    assert wanted == stages == {"app", "bot"}


def test_the_assistant_is_on_the_internal_network_only():
    document = YAML(typ="safe").load(COMPOSE)
    assert document["networks"]["inside"]["internal"] is True
    for name in ("bot", "actions", "database", "worker"):
        assert document["services"][name]["networks"] == ["inside"]
        assert "ports" not in document["services"][name]


def test_secrets_come_from_the_environment():
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key or "TOKEN" in key:
                assert str(value).startswith("${"), f"{name}: {key} is written into the file"


def test_what_the_images_copy_is_there():
    copied = re.findall(
        r"^COPY --chown=ownwords (.+) \S+$",
        (PROJECT / "Dockerfile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    missing = [name for line in copied for name in line.split() if not (PROJECT / name).exists()]
    assert missing == []
