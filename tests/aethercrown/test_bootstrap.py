"""The installer itself runs in whole before these tests do; here are its decisions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aethercrown import bootstrap
from tests import rig


@pytest.fixture
def place(tmp_path):
    """A checkout of its own: a lock that needs no package, and no .venv."""
    (tmp_path / "requirements.txt").write_text("nothing==1\n")
    return tmp_path


def environment(place: Path, name: str = ".venv") -> Path:
    """Something that looks like an environment that was made there."""
    scripts = place / name / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python").symlink_to(sys.executable)
    (scripts / "tool").write_text(f"#!{scripts}/python\n")
    (scripts / "tool").chmod(0o755)
    (scripts / "program").write_bytes(b"\x7fELF" + str(scripts).encode())
    return place / name


def install(place: Path, **steps) -> None:
    bootstrap.install(str(place / ".venv"), str(place / "requirements.txt"), **steps)


def digest(place: Path) -> str:
    return bootstrap.digest(str(place / "requirements.txt"))


def nothing(*_arguments: object) -> None:
    """A step that needs no doing here."""


def shims(folder: Path, **versions: str) -> str:
    """A folder for PATH, of programs that answer with a version, as those of a version manager."""
    for name, version in versions.items():
        shim = folder / name.replace("_", ".")
        shim.write_text(f"#!/bin/sh\necho {version}\n")
        shim.chmod(0o755)
    return str(folder)


def executed(monkeypatch) -> list[list[str]]:
    """What would have replaced this process."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _path, command: commands.append(command))
    monkeypatch.setattr(os, "execvp", lambda _name, command: commands.append(command))
    return commands


def test_an_unknown_command_is_a_misuse(capsys):
    assert bootstrap.main(["fly"]) == 2
    assert bootstrap.main([]) == 2
    assert "audit|benchmark|browser|check|faults|run|screenshots|test" in capsys.readouterr().err


def test_what_is_installed_already_is_used_without_another_look(place, monkeypatch):
    made = environment(place)
    (made / bootstrap.STAMP).write_text(digest(place))
    monkeypatch.chdir(place)
    commands = executed(monkeypatch)
    bootstrap.main(["test", "--", "tests/x"], root=str(place))
    assert commands == [[str(made / "bin" / "python"), "manage.py", "test", "--", "tests/x"]]


def test_a_changed_lock_is_followed_in_place_and_stamped_last(place):
    made = environment(place)
    (made / bootstrap.STAMP).write_text("the former digest")
    stamped = []
    install(place, fill=lambda folder, _lock: stamped.append(bootstrap.stamp(folder)))
    assert stamped == [""]  # cut short there, it would not be trusted
    assert bootstrap.stamp(str(made)) == digest(place)


def test_a_fresh_environment_is_made_beside_and_moved(place):
    install(place, create=lambda _folder: environment(place, ".venv-new"), fill=nothing)
    scripts = place / ".venv" / "bin"
    assert (scripts / "tool").read_text() == f"#!{scripts}/python\n"
    assert os.access(scripts / "tool", os.X_OK)
    assert b".venv-new" in (scripts / "program").read_bytes()
    assert bootstrap.stamp(str(place / ".venv")) == digest(place)
    assert not (place / ".venv-new").exists()


def test_an_environment_of_somebody_elses_is_kept_aside(place, capsys):
    (environment(place) / "theirs").touch()
    install(place, create=lambda _folder: environment(place, ".venv-new"), fill=nothing)
    (former,) = place.glob(".venv-former-*")
    assert (former / "theirs").exists()
    assert former.name in capsys.readouterr().err


def test_an_old_python_gives_way_to_a_newer_one(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (2, 7, 18))
    monkeypatch.setenv("PATH", shims(tmp_path, python3="3.6", python3_13="3.13"))
    commands = executed(monkeypatch)
    with pytest.raises(bootstrap.SetupFailed):  # because nothing was replaced here
        bootstrap.run_on_newer_python(["run"])
    assert commands == [["python3.13", bootstrap.__file__, "run"]]


def test_without_a_newer_one_it_says_what_it_tried(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 6, 15))
    monkeypatch.setenv("PATH", shims(tmp_path, python3="3.6"))
    assert bootstrap.main(["run"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "needs Python 3.11 or newer; tried" in said
    assert "python3 (3.6), python3.14 (does not run)" in said


def test_a_python_is_run_to_be_sure_of_it(tmp_path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho not installed; exit 127\n")
    shim.chmod(0o755)
    assert bootstrap.version_of(sys.executable) == sys.version_info[:2]
    assert bootstrap.version_of(str(shim)) is None
    assert bootstrap.version_of(str(tmp_path / "none")) is None


def test_a_python_without_venv_names_the_package_to_install(tmp_path, monkeypatch):
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(bootstrap.SetupFailed, match="install python3-venv"):
        bootstrap.make(str(tmp_path / "new"))


def test_an_environment_that_cannot_be_made_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(bootstrap.SetupFailed, match=r"Cannot make .*file/new: .*"):
        bootstrap.make(str(tmp_path / "file" / "new"))


def test_pip_takes_over_where_uv_fails_and_its_failure_is_told(place, monkeypatch):
    called = []

    def call(command, **_options):
        called.append(command)
        return len(called) != 1

    monkeypatch.setattr(subprocess, "call", call)
    made = str(environment(place))
    with pytest.raises(bootstrap.SetupFailed, match=r"Cannot install requirements\.txt"):
        bootstrap.sync(made, str(place / "requirements.txt"))
    assert [Path(command[0]).name for command in called] == ["python", "uv", "python"]
    assert all("--require-hashes" in command for command in called)


def test_uv_goes_to_the_index_that_pip_was_told(monkeypatch):
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    found = bootstrap.environment_of_uv()
    assert found["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert found["SSL_CERT_FILE"] == "/certificates.pem"
    assert "VIRTUAL_ENV" not in found


def test_a_missing_lock_is_one_sentence(place, capsys):
    (place / "requirements.txt").unlink()
    assert bootstrap.main(["run"], root=str(place)) == 1
    assert capsys.readouterr().err.endswith("requirements.txt: No such file or directory.\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_checkout_is_one_sentence(place, capsys):
    place.chmod(0o500)
    assert bootstrap.main(["run"], root=str(place)) == 1
    assert "Permission denied" in capsys.readouterr().err


def test_the_makefile_offers_every_command():
    rules = (rig.ROOT / "Makefile").read_text().splitlines()
    targets = next(line for line in rules if line.startswith("run "))
    assert set(targets.rstrip(":").split()) == set(bootstrap.COMMANDS)
