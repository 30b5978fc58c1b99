import http.server
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from tests.translations.tiny_packages import index_entry, tiny_files, tiny_package, write_index, write_zip
from translations import package_files, packages
from translations.errors import PackageNotFound, PackageRefused, PackageSourceUnavailable
from translations.models import read_installed
from translations.registry import open_registry

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mirror(tmp_path):
    """A folder in the index's format with es-en, en-es and pl-en."""
    folder = tmp_path / "mirror"
    paths = [tiny_package(folder, *pair.split("-")) for pair in ("es-en", "en-es", "pl-en")]
    write_index(folder, [index_entry(path) for path in paths])
    return folder


@pytest.fixture
def served(mirror):
    """The mirror over HTTP on this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(mirror)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def nothing_is_installed(folder: Path) -> bool:
    """Neither a model in the list nor a file left behind."""
    left = [path.name for path in folder.iterdir() if path.name != ".lock"] if folder.exists() else []
    return read_installed(folder) == [] and left == []


def test_a_language_is_installed_from_a_mirror_in_both_directions(tmp_path, mirror):
    installed = packages.install(tmp_path / "models", "es", str(mirror))
    assert [model.pair for model in installed] == ["es-en", "en-es"]
    assert open_registry(tmp_path / "models").can_translate("es", "pt")


@pytest.mark.parametrize("suffix", ["", "/", "/index.json"])
def test_a_pair_is_installed_over_http_and_its_checksum_recorded(tmp_path, mirror, served, suffix):
    (model,) = packages.install(tmp_path / "models", "pl_en", served + suffix)
    file = mirror / "translate-pl_en-1_0.argosmodel"
    assert (model.pair, model.origin) == ("pl-en", "127.0.0.1")
    assert model.package_sha256 == package_files.sha256_of(file)
    assert packages.verify(tmp_path / "models")[0].is_sound


def test_an_index_without_checksums_is_taken_and_our_own_checksum_recorded(tmp_path, mirror):
    path = mirror / "translate-pl_en-1_0.argosmodel"
    write_index(mirror, [index_entry(path, checksum=False)])
    (model,) = packages.install(tmp_path / "models", "pl-en", str(mirror))
    assert model.package_sha256 == package_files.sha256_of(path)


def test_the_list_shows_what_is_installed_bundled_and_offered(tmp_path, mirror):
    folder = tmp_path / "models"
    packages.install(folder, "pl-en", str(mirror))
    newer = tiny_package(mirror, "pl", "en", "1.2")
    write_index(mirror, [index_entry(path) for path in (*mirror.glob("*-1_0.argosmodel"), newer)])
    lines = {line.pair: line for line in packages.list_(folder, str(mirror))}
    assert lines["pl-en"].can_be_upgraded
    assert lines["pl-en"].available.version == "1.2"
    assert lines["es-en"].installed is None
    assert lines["pt-en"].installed.is_bundled


def test_a_wrong_checksum_or_size_is_refused_and_nothing_stays(tmp_path, mirror):
    path = mirror / "translate-pl_en-1_0.argosmodel"
    for change in ({"sha256": "0" * 64}, {"size": 5}):
        write_index(mirror, [index_entry(path) | change])
        with pytest.raises(PackageRefused):
            packages.install(tmp_path / "models", "pl-en", str(mirror))
        assert nothing_is_installed(tmp_path / "models")


def test_a_download_that_is_larger_than_the_index_says_is_stopped(tmp_path, mirror, served):
    path = mirror / "translate-pl_en-1_0.argosmodel"
    write_index(mirror, [index_entry(path) | {"size": 1000}])
    with pytest.raises(PackageRefused, match="larger"):
        packages.install(tmp_path / "models", "pl-en", served)
    assert nothing_is_installed(tmp_path / "models")


def test_another_package_behind_the_link_is_refused(tmp_path, mirror):
    path = mirror / "translate-es_en-1_0.argosmodel"
    write_index(mirror, [index_entry(path) | {"from_code": "pl"}])
    with pytest.raises(PackageRefused, match="another package"):
        packages.install(tmp_path / "models", "pl-en", str(mirror))


@pytest.mark.parametrize(
    "link", ["file:../secret.argosmodel", "file:/etc/passwd", "ipfs://abc", "ftp://example.org/x"]
)
def test_an_index_cannot_make_us_read_other_files_or_follow_strange_links(tmp_path, mirror, link):
    path = mirror / "translate-pl_en-1_0.argosmodel"
    (tmp_path / "secret.argosmodel").write_bytes(path.read_bytes())
    write_index(mirror, [index_entry(path, link=link)])
    with pytest.raises(PackageSourceUnavailable):
        packages.install(tmp_path / "models", "pl-en", str(mirror))


def test_an_index_that_is_missing_or_no_index_is_named(tmp_path, served, mirror):
    with pytest.raises(PackageSourceUnavailable):
        packages.install(tmp_path / "models", "pl", str(tmp_path / "nowhere"))
    with pytest.raises(PackageSourceUnavailable):
        packages.install(tmp_path / "models", "pl", f"{served}/missing/index.json")
    (mirror / "index.json").write_text('{"not": "a list"}')
    with pytest.raises(PackageRefused):
        packages.install(tmp_path / "models", "pl", str(mirror))
    with pytest.raises(PackageNotFound):
        packages.install(tmp_path / "models", str(tmp_path / "missing.argosmodel"))


def test_a_language_the_index_does_not_have_is_not_found(tmp_path, mirror):
    for what in ("so", "so-en", "Klingon!"):
        with pytest.raises(PackageNotFound):
            packages.install(tmp_path / "models", what, str(mirror))


def bad_file(tmp_path: Path, kind: str) -> Path:
    """A package that must be refused."""
    path = tmp_path / "bad.argosmodel"
    files = tiny_files("pl", "en")
    root = next(iter(files)).split("/")[0]
    if kind == "truncated":
        write_zip(path, files)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    elif kind == "damaged inside":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    elif kind == "not a zip":
        path.write_bytes(b"hello" * 1000)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "parent path":
        write_zip(path, files | {f"{root}/../../escaped.txt": b"out"})
    elif kind == "absolute path":
        write_zip(path, files | {"/escaped.txt": b"out"})
    elif kind == "backslash path":
        write_zip(path, files | {f"{root}\\..\\escaped.txt": b"out"})
    elif kind == "link":
        write_zip(path, files)
        with zipfile.ZipFile(path, "a") as archive:
            link = zipfile.ZipInfo(f"{root}/link")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc")
    elif kind == "two folders":
        write_zip(path, files | {"other/file.txt": b"x"})
    elif kind == "newer format":
        write_zip(path, tiny_files("pl", "en", argos_version="2.0"))
    elif kind == "newer model":
        model = f"{root}/model/model.bin"
        write_zip(path, files | {model: (99).to_bytes(4, "little") + files[model][4:]})
    elif kind == "no metadata":
        write_zip(path, {name: content for name, content in files.items() if "metadata" not in name})
    elif kind == "bad metadata":
        write_zip(path, files | {f"{root}/metadata.json": b"\xff{"})
    elif kind == "no languages":
        write_zip(path, tiny_files("pl", "en", from_code="../x"))
    elif kind == "no tokenizer":
        write_zip(path, {name: content for name, content in files.items() if "sentencepiece" not in name})
    elif kind == "other type":
        write_zip(path, tiny_files("pl", "en", type="sbd"))
    elif kind == "bad tokenizer":
        write_zip(path, files | {f"{root}/sentencepiece.model": b"nonsense"})
    elif kind == "same file twice":
        write_zip(path, files)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{root}/METADATA.json", b"{}")
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "truncated", "damaged inside", "not a zip", "empty", "parent path", "absolute path", "backslash path",
        "link", "two folders", "newer format", "newer model", "no metadata", "bad metadata", "no languages",
        "no tokenizer", "other type", "bad tokenizer", "same file twice",
    ],
)  # fmt: skip
def test_a_bad_package_is_refused_with_a_reason_and_nothing_stays(tmp_path, kind):
    path = bad_file(tmp_path, kind)
    with pytest.raises(PackageRefused) as refused:
        packages.install(tmp_path / "models", str(path))
    assert len(refused.value.reason) > 10
    assert nothing_is_installed(tmp_path / "models")
    assert not list(tmp_path.rglob("escaped.txt"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("newer format", r"newer format \(Argos 2\.0\) than this program can read"),
        ("newer model", "later version of CTranslate2"),
    ],
)
def test_a_package_of_a_newer_format_says_so_and_the_one_in_use_stays(tmp_path, models_folder, kind, said):
    before = read_installed(models_folder)
    files = {path: path.stat().st_mtime_ns for path in models_folder.rglob("*")}
    with pytest.raises(PackageRefused, match=said):
        packages.install(models_folder, str(bad_file(tmp_path, kind)))
    assert read_installed(models_folder) == before
    assert {path: path.stat().st_mtime_ns for path in models_folder.rglob("*") if path in files} == files
    assert {path for path in models_folder.rglob("*") if path.is_file()} <= set(files)


def test_a_bad_package_leaves_the_installed_version_in_use(tmp_path, models_folder):
    before = read_installed(models_folder)
    with pytest.raises(PackageRefused):
        packages.install(models_folder, str(bad_file(tmp_path, "truncated")))
    assert read_installed(models_folder) == before
    assert packages.verify(models_folder)[0].is_sound


def test_a_zip_bomb_is_refused_before_and_while_it_unpacks(tmp_path):
    files = tiny_files("pl", "en")
    root = next(iter(files)).split("/")[0]
    path = write_zip(tmp_path / "bomb.argosmodel", files | {f"{root}/zeros": b"\x00" * 30_000_000})
    (tmp_path / "out").mkdir()
    with pytest.raises(PackageRefused, match="more than"):
        package_files.unpack(path, tmp_path / "out", name="bomb", max_unpacked_bytes=10_000_000)
    assert list((tmp_path / "out").iterdir()) == []
    # A header that says 10 bytes and holds 30 million: sizes are counted, not believed.
    content = path.read_bytes().replace((30_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(PackageRefused):
        package_files.unpack(path, tmp_path / "out", name="bomb", max_unpacked_bytes=10_000_000)
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file()) < 10_000_000


def test_an_upgrade_is_used_by_the_same_process_and_one_version_stays(tmp_path, models_folder):
    registry = open_registry(models_folder)
    before = registry.translate_segment("Dzień dobry", source_language="pl", target_language="en")
    packages.install(models_folder, str(tiny_package(tmp_path / "new", "pl", "en", "1.1", seed=6)))
    after = registry.translate_segment("Dzień dobry", source_language="pl", target_language="en")
    assert (before.model, after.model) == ("argos pl-en 1.0", "argos pl-en 1.1")
    assert before.text != after.text
    assert len([path for path in models_folder.iterdir() if path.is_dir()]) == 1


def test_installing_the_same_version_again_changes_nothing(tmp_path, mirror):
    folder = tmp_path / "models"
    assert packages.install(folder, "pl-en", str(mirror)) == packages.install(folder, "pl-en", str(mirror))


def test_verify_names_a_file_that_was_changed_or_lost_and_an_installation_repairs_it(tmp_path, mirror):
    folder = tmp_path / "models"
    (model,) = packages.install(folder, "pl-en", str(mirror))
    vocabulary = next((model.folder / "model").glob("*vocabulary*"))
    vocabulary.write_bytes(vocabulary.read_bytes() + b" ")
    (model.folder / "sentencepiece.model").unlink()
    (found,) = packages.verify(folder, "pl_en")
    assert [problem.split(" ")[0] for problem in found.problems] == [
        "sentencepiece.model",
        f"model/{vocabulary.name}",
    ]
    packages.install(folder, "pl-en", str(mirror))
    assert packages.verify(folder)[0].is_sound


def test_a_removed_package_is_gone_for_a_running_registry(models_folder):
    registry = open_registry(models_folder)
    registry.translate_segment("Dzień dobry", source_language="pl", target_language="en")
    assert packages.remove(models_folder, "pl_en").version == "1.0"
    assert not registry.can_translate("pl", "en")
    assert registry.loaded_models() == []
    assert [path for path in models_folder.iterdir() if path.is_dir()] == []
    with pytest.raises(PackageNotFound):
        packages.remove(models_folder, "pl-en")


def test_the_bundled_models_are_not_removed(tmp_path):
    with pytest.raises(PackageNotFound):
        packages.remove(tmp_path, "pt-en")


@pytest.mark.parametrize("stop_at", ["unpack", "read_metadata", "sha256_of"])
def test_an_installation_killed_half_way_leaves_nothing_in_use_and_the_next_one_works(tmp_path, stop_at):
    path = tiny_package(tmp_path / "packages", "pl", "en")
    folder = tmp_path / "models"
    program = f"""
import os, signal
from pathlib import Path
from translations import package_files, packages
real = package_files.{stop_at}
def killed(*arguments, **named):
    real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
package_files.{stop_at} = killed
packages.install(Path({str(folder)!r}), {str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_installed(folder) == []
    leftovers = [item for item in folder.iterdir() if item.name.startswith(".unpack-")]
    assert leftovers, "the test no longer stops where it should"
    for item in leftovers:
        os.utime(item, (0, 0))
    packages.install(folder, str(path))
    assert [item for item in folder.iterdir() if item.name.startswith(".unpack-")] == []
    assert packages.verify(folder)[0].is_sound


def test_two_installers_at_once_leave_both_packages_whole(tmp_path):
    paths = [tiny_package(tmp_path / "packages", code, "en") for code in ("pl", "es", "fr", "ar")]
    folder = tmp_path / "models"
    threads = [threading.Thread(target=packages.install, args=(folder, str(path))) for path in paths * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(model.pair for model in read_installed(folder)) == ["ar-en", "es-en", "fr-en", "pl-en"]
    assert all(found.is_sound for found in packages.verify(folder))


def test_the_records_name_no_folder_of_this_machine(tmp_path, mirror):
    folder = tmp_path / "models"
    packages.install(folder, "pl-en", str(mirror))
    assert str(tmp_path) not in (folder / "installed.json").read_text("utf-8")
    assert json.loads((folder / "installed.json").read_text("utf-8"))["format"] == 1


def test_the_small_real_packages_install_from_their_mirror(shared_registry):
    pairs = [model.name for model in shared_registry.models() if model.engine == "argos"]
    assert pairs == [f"argos {code}-en 1.0" for code in ("es", "fr", "ar", "pl", "pt")]
