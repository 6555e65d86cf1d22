"""Values in files: written beside the old one and renamed, mode 0600, below one folder.

Where a channel names an owner or a group the file is given to it before it has its name.

The folder and the reload commands stand in the environment of this machine only; a channel names a
path below the one and a word for the other. Paths are followed without symbolic links.
"""

import base64
import errno
import grp
import json
import os
import pwd
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from security.rotation.registry import (
    TIMED_OUT,
    WRONG_ANSWER,
    DeliveryChannel,
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    TargetRefused,
)
from security.rotation.rotators.generated import allow_only, text

RELOAD_SECONDS = 20
FORMATS = ("value", "json", "env")
PLACE = ("reload", "owner", "group")  # beside the path
KEEP = -1  # of `chown`: the owner or the group stays
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
PATH = re.compile(rf"{_NAME}(?:/{_NAME}){{0,4}}", re.ASCII)
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
KUBERNETES_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
DATA_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}", re.ASCII)
MINIMAL_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
Commands = Mapping[str, Sequence[str]]


class FileChannel(DeliveryChannel):
    """Writes the value to a file, and runs a reload command if one is named."""

    name = "file"
    title = "A file of this machine"
    revokes = False
    keeps_last = True

    def __init__(self, folder: Callable[[], Path | None], commands: Callable[[], Commands]) -> None:
        self.folder = folder
        self.commands = commands

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "path", "format", "variable", *PLACE)
        if config.get("format", "value") not in FORMATS:
            raise InvalidConfig("config.format", f"must be one of {', '.join(FORMATS)}.")
        if config.get("format") == "env":
            check(config, "variable", VARIABLE, "must be a name such as DB_PASSWORD.")
        self.check_place(config)

    def check_place(self, config: Mapping[str, Any]) -> None:
        """Raise InvalidConfig unless the path and the reload command can be used here."""
        check(config, "path", PATH, "must be a relative path of plain names, such as shop/db.json.")
        if self.folder() is None:
            raise InvalidConfig("config.path", "KEY_FILES_DIR is not set on this machine.")
        known = ", ".join(sorted(self.commands())) or "none; KEY_RELOAD_COMMANDS is empty"
        if "reload" in config and config["reload"] not in self.commands():
            raise InvalidConfig("config.reload", f"is not known here; known: {known}.")
        for part in config.keys() & {"owner", "group"}:  # looked up where the file is written
            check(config, part, ACCOUNT, "must be a name of an account, such as shop.")

    def set(self, context: RotationContext) -> None:
        self._write(context, self.content(context.config, fields_of(context)))

    def test(self, context: RotationContext) -> None:
        """Read the file back, as its user will."""
        if self._read(context) != self.content(context.config, fields_of(context)):
            raise TargetRefused(WRONG_ANSWER)

    def undo(self, context: RotationContext) -> None:
        """Write the current value again; on a full disk the file that has it already stays."""
        if context.current is None:
            return
        known = {"value": context.current, **context.current_detail}
        content = self.content(context.config, {"key_id": context.key_id, **known})
        if self._holds(context, content):
            self._reload(context.config)
        else:
            self._write(context, content)

    def revoke(self, context: RotationContext) -> None:
        """Delete the file of a key without any value, so that nobody reads the last one there."""
        try:
            with self._opened_folder(context.config) as (folder, name), suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return  # nor is there its folder
        except OSError as error:
            raise TargetRefused(f"The file could not be deleted: {reason(error)}.") from error

    def described(self, context: RotationContext) -> str:
        return f"the file {context.config['path']} with version {context.number}"

    def content(self, config: Mapping[str, Any], known: Mapping[str, Any]) -> bytes:
        """The file's bytes, in the configured format."""
        kind = config.get("format", "value")
        if kind == "json":
            return f"{json.dumps(dict(known), indent=1)}\n".encode()
        if kind == "env":
            return env_lines(config["variable"], known).encode()
        return str(known["value"]).encode()

    def _write(self, context: RotationContext, content: bytes) -> None:
        try:
            owners = owner_numbers(context.config)
            with self._opened_folder(context.config, create=True) as (folder, name):
                write_atomically(folder, name, content, owners)
        except OSError as error:
            raise TargetRefused(f"The file could not be written: {reason(error)}.") from error
        self._reload(context.config)

    def _holds(self, context: RotationContext, content: bytes) -> bool:
        with suppress(TargetRefused):
            return self._read(context) == content
        return False

    def _read(self, context: RotationContext) -> bytes:
        try:
            with self._opened_folder(context.config) as (folder, name):
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
                with os.fdopen(file, "rb") as opened:
                    return opened.read()
        except OSError as error:
            raise TargetRefused(f"The file could not be read: {reason(error)}.") from error

    @contextmanager
    def _opened_folder(
        self, config: Mapping[str, Any], *, create: bool = False
    ) -> Iterator[tuple[int, str]]:
        """The descriptor of the file's folder, and the file's name; no symbolic link on the way."""
        root = self.folder()
        if root is None:
            raise FileNotFoundError(errno.ENOENT, "KEY_FILES_DIR is not set")
        *parents, name = config["path"].split("/")
        mode = 0o711 if config.keys() & {"owner", "group"} else 0o700  # others pass, and list not
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for parent in parents:
                made = create and make_folder(parent, at)
                inner = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                if made:
                    os.fchmod(inner, mode)
                os.close(at)
                at = inner
            yield at, name
        finally:
            os.close(at)

    def _reload(self, config: Mapping[str, Any]) -> None:
        """Run the named command. Raises TargetRefused, OutcomeUnknown."""
        if "reload" not in config:
            return
        command = self.commands().get(config["reload"])
        if command is None:
            raise TargetRefused("The reload command is not known on this machine any more.")
        try:
            subprocess.run(  # noqa: S603 - of the fixed list in this machine's environment
                command, check=True, timeout=RELOAD_SECONDS, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=MINIMAL_ENVIRONMENT,
                cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise OutcomeUnknown(TIMED_OUT) from error
        except (OSError, subprocess.CalledProcessError) as error:
            raise TargetRefused("The reload command failed.") from error


class KubernetesManifest(FileChannel):
    """The manifest of a Kubernetes Secret, as a file that a deployment or a reload applies."""

    name = "kubernetes"
    title = "A Kubernetes Secret, as a file"

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "path", "namespace", "secret", "data_key", *PLACE)
        for part in ("namespace", "secret"):
            check(config, part, KUBERNETES_NAME, "must be a name of Kubernetes, such as shop-db.")
        if "data_key" in config:
            check(config, "data_key", DATA_KEY, "must have letters, digits and . _ - only.")
        self.check_place(config)

    def content(self, config: Mapping[str, Any], known: Mapping[str, Any]) -> bytes:
        """JSON, which is YAML too."""
        data = {config.get("data_key", "value"): known["value"]}
        data.update({name: str(each) for name, each in known.items() if name == "role"})
        encoded = {name: base64.b64encode(each.encode()).decode() for name, each in data.items()}
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": config["secret"], "namespace": config["namespace"]},
            "type": "Opaque",
            "data": encoded,
        }
        return f"{json.dumps(manifest, indent=1)}\n".encode()


class PullChannel(DeliveryChannel):
    """Its user asks for the value, with an API key bound to this managed key."""

    name = "pull"
    title = "Asked for by an API key"
    acts = False
    revokes = False

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config)


def check(config: Mapping[str, Any], name: str, form: re.Pattern[str], words: str) -> None:
    """Raise InvalidConfig unless the text `name` is of the form."""
    if not form.fullmatch(text(config, name)):
        raise InvalidConfig(f"config.{name}", words)


def account_number(part: str, name: str) -> int | None:
    """The number of a user (`owner`) or a `group` of this machine; None if it has none."""
    try:
        return pwd.getpwnam(name).pw_uid if part == "owner" else grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def owner_numbers(config: Mapping[str, Any]) -> tuple[int, int]:
    """Whose the file is to be. Raises TargetRefused for an account that is gone."""
    found = []
    for part in ("owner", "group"):
        number = account_number(part, config[part]) if part in config else KEEP
        if number is None:
            raise TargetRefused(f"The {part} of the file is not known on the worker's machine.")
        found.append(number)
    return found[0], found[1]


def make_folder(name: str, at: int) -> bool:
    """Make a folder in an open one; False if it is there."""
    try:
        os.mkdir(name, 0o700, dir_fd=at)
    except FileExistsError:
        return False
    return True


def fields_of(context: RotationContext) -> dict[str, Any]:
    """What a file may hold of a version. The number is left out: undo writes the older one."""
    return {"key_id": context.key_id, "value": context.value, **context.detail}


def env_lines(variable: str, known: Mapping[str, Any]) -> str:
    """Lines of an environment file, quoted for a shell and for systemd."""
    named = {variable: known["value"]}
    if "role" in known:
        named[f"{variable}_ROLE"] = known["role"]
    for each in named.values():
        if any(sign in each for sign in "\n\r\0'"):
            raise TargetRefused("A value with a quote or a line break fits no environment file.")
    return "".join(f"{name}='{each}'\n" for name, each in named.items())


def write_atomically(
    folder: int, name: str, content: bytes, owners: tuple[int, int] = (KEEP, KEEP)
) -> None:
    """Write beside the old file and rename, so that a reader sees the old or the new value.

    What a killed process left of an earlier write is deleted first: it holds a value.
    """
    for left in filter(leftover(name).fullmatch, os.listdir(folder)):
        os.unlink(left, dir_fd=folder)
    beside = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            if owners != (KEEP, KEEP):
                os.fchown(file.fileno(), *owners)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
    os.fsync(folder)


def leftover(name: str) -> re.Pattern[str]:
    """The names that `write_atomically` gives to what is not complete yet."""
    return re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}")


def reason(error: OSError) -> str:
    """What the system says, without the path."""
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
