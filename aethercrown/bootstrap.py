"""The commands of the Makefile: `python3 aethercrown/bootstrap.py run`, `test` and others.

Finds a new enough Python, installs requirements.txt into `.venv`, and executes the command there.
Standard library only, in a syntax that Python 2.7 parses, so that an old Python prints the reason.
"""
# Python 2.7 has no pathlib, no unpacking in lists, no "raise from", and two names for OSError:
# ruff: noqa: PTH100, PTH107, PTH104, PTH114, PTH118, PTH119, PTH120, PTH123, PTH208
# ruff: noqa: UP020, UP024, UP031, RUF005, B904
# Starting other programs is its purpose, and their names are constants:
# ruff: noqa: S603, S606

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time

MYPY = False  # true for the type checker alone: an old Python has no such module
if MYPY:
    from collections.abc import Callable  # noqa: F401 - named in a type comment

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAMP = "installed.sha256"  # in .venv: the digest of the installed requirements.txt, written last
MIN_VERSION = (3, 11)
PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
COMMANDS = {
    "run": ("manage.py", "start"),
    "test": ("manage.py", "test"),
    "check": ("manage.py", "test", "--changed"),
    "faults": ("-m", "tests.faults"),
    "benchmark": ("-m", "tests.benchmarks"),
    "browser": ("-m", "tests.browser_matrix"),
    "screenshots": ("-m", "tests.screenshots"),
    "audit": ("-m", "uv", "tool", "run", "pip-audit==2.10.1")
    + ("--require-hashes", "--disable-pip", "-r", "requirements.txt"),
}
INSTALLER = """uv==0.13.9 \\
  --hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19 \\
  --hash=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe \\
  --hash=sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25 \\
  --hash=sha256:66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63 \\
  --hash=sha256:c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5
"""


class SetupFailed(Exception):
    """One sentence: why this machine cannot run it."""


def main(arguments, root=ROOT):
    # type: (list[str], str) -> int
    if not arguments or arguments[0] not in COMMANDS:
        return refuse("usage: bootstrap.py " + "|".join(sorted(COMMANDS)) + " [arguments]", 2)
    venv, lock = os.path.join(root, ".venv"), os.path.join(root, "requirements.txt")
    try:
        if sys.version_info < MIN_VERSION:
            run_on_newer_python(arguments)
        with lock_venv(lock):
            install(venv, lock)
        python = python_of(venv)
        os.chdir(root)
        os.execv(python, [python] + list(COMMANDS[arguments[0]]) + arguments[1:])
    except SetupFailed as reason:
        return refuse(str(reason), 1)
    except (IOError, OSError) as error:  # one class, except on Python 2
        return refuse("Cannot prepare %s: %s." % (error.filename or venv, error.strerror), 1)


def refuse(sentence, code):
    # type: (str, int) -> int
    sys.stderr.write(sentence + "\n")
    return code


def run_on_newer_python(arguments):
    # type: (list[str]) -> None
    """Execute this on a Python that is new enough. Raises SetupFailed with those tried."""
    tried = ["%s (%d.%d)" % (sys.executable, sys.version_info[0], sys.version_info[1])]
    for name in PYTHONS:
        version = version_of(name)
        if version and version >= MIN_VERSION:
            os.execvp(name, [name, os.path.abspath(__file__)] + arguments)
        tried.append("%s (%s)" % (name, "%d.%d" % version if version else "does not run"))
    raise SetupFailed("AetherCrown needs Python 3.11 or newer; tried " + ", ".join(tried) + ".")


def version_of(python):
    # type: (str) -> tuple[int, int] | None
    """Major and minor, or None. It is run, because a shim on PATH may exist and not work."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        process = subprocess.Popen(
            [python, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except (IOError, OSError):
        return None
    answer = process.communicate()[0].decode("ascii", "replace").strip()
    major, _, minor = answer.partition(".")
    if process.returncode or not (major.isdigit() and minor.isdigit()):
        return None
    return int(major), int(minor)


def lock_venv(lock):
    # type: (str) -> io.TextIOWrapper
    """Lock the changing of `.venv` until the file is closed; others wait."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        raise SetupFailed("AetherCrown runs on Linux and macOS; on Windows use WSL.")
    file = io.open(lock)  # noqa: SIM115 - open until the command is executed
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def install(venv, lock, fill=None, create=None):
    # type: (str, str, Callable[[str, str], object] | None, Callable[[str], object] | None) -> None
    """Install the lock into `.venv`; does nothing, and uses no network, if it is installed.

    `fill(folder, lock)` and `create(folder)` default to `sync` and `make`.
    """
    fill, create = fill or sync, create or make
    wanted, found = digest(lock), stamp(venv)
    if found == wanted:
        return
    if found and version_of(python_of(venv)):
        os.remove(os.path.join(venv, STAMP))  # if interrupted from here on, it counts as incomplete
        fill(venv, lock)
        write(os.path.join(venv, STAMP), wanted)
        return
    fresh = venv + "-new"
    shutil.rmtree(fresh, ignore_errors=True)
    create(fresh)
    fill(fresh, lock)
    write(os.path.join(fresh, STAMP), wanted)
    move(fresh, venv)


def make(folder):
    # type: (str) -> None
    """Create an empty virtual environment with pip."""
    say("Creating .venv ...")
    if subprocess.call([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.PIPE):
        raise SetupFailed(
            "This Python (%s) cannot make virtual environments: install python3-venv "
            "(Debian, Ubuntu: apt install python3-venv)." % sys.executable
        )
    process = subprocess.Popen(
        [sys.executable, "-m", "venv", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = process.communicate()[0].decode("utf-8", "replace").strip()
    if process.returncode:
        reason = output.splitlines()[-1] if output else "exit code %d" % process.returncode
        raise SetupFailed("Cannot make %s: %s" % (folder, reason))


def sync(folder, lock):
    # type: (str, str) -> None
    """Install exactly the lock with uv, which is fast, or with pip where uv does not run."""
    say("Installing requirements.txt ...")
    python = python_of(folder)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    installer = os.path.join(folder, "installer.txt")
    write(installer, INSTALLER)
    uv = [os.path.join(folder, "bin", "uv"), "pip", "sync", "--quiet", "--no-python-downloads"]
    uv.append("--compile-bytecode")  # halves the time of the first start
    if not subprocess.call(
        pip + ["--require-hashes", "--only-binary", ":all:", "-r", installer]
    ) and not subprocess.call(
        uv + ["--python", python, "--require-hashes", lock], env=environment_of_uv()
    ):
        return
    say("uv failed; installing with pip, which takes longer ...")
    if subprocess.call(pip + ["--require-hashes", "-r", lock]):
        raise SetupFailed("Cannot install requirements.txt; see the messages above.")


def environment_of_uv():
    # type: () -> dict[str, str]
    """The environment with pip's package index and certificates for uv."""
    environment = dict(os.environ)
    for uv_name, pip_name in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("SSL_CERT_FILE", "PIP_CERT")):
        if pip_name in environment:
            environment.setdefault(uv_name, environment[pip_name])
    environment.pop("VIRTUAL_ENV", None)
    return environment


def move(fresh, final):
    # type: (str, str) -> None
    """Rename the finished environment to `final`, and correct the path in its scripts."""
    scripts = os.path.join(fresh, "bin")
    for name in os.listdir(scripts):
        path = os.path.join(scripts, name)
        if not os.path.islink(path):
            relocate(path, fresh.encode(), final.encode())
    if os.path.lexists(final):  # not created here, so it may be needed: kept
        former = "%s-former-%d" % (final, time.time())
        os.rename(final, former)
        say(
            "The former .venv was not created by this command; it is kept as %s."
            % os.path.basename(former)
        )
    os.rename(fresh, final)


def relocate(path, before, after):
    # type: (str, bytes, bytes) -> None
    with open(path, "rb") as file:
        content = file.read()
    if before in content and not content.startswith(b"\x7fELF"):
        with open(path, "r+b") as file:  # opened for change, so that it stays executable
            file.truncate()
            file.write(content.replace(before, after))


def python_of(folder):
    # type: (str) -> str
    return os.path.join(folder, "bin", "python")


def digest(path):
    # type: (str) -> str
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def stamp(folder):
    # type: (str) -> str
    """The digest of the installed lock, or an empty text."""
    try:
        with open(os.path.join(folder, STAMP)) as file:
            return file.read().strip()
    except (IOError, OSError):
        return ""


def write(path, text):
    # type: (str, str) -> None
    with open(path, "w") as file:
        file.write(text)


def say(sentence):
    # type: (str) -> None
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
