"""Paths that people give to commands: relative ones, `~`, folders, and files that exist already."""

import errno
import os
from pathlib import Path


def resolved(text: str | Path) -> Path:
    """The absolute path: `~` is expanded, and a relative path starts at the current folder."""
    try:
        return Path(text).expanduser().resolve()
    except RuntimeError:  # an unknown user after `~`, or links in a circle
        return Path(text).absolute()


def is_folder(text: str | Path) -> bool:
    """Whether a folder is meant: the text ends with a slash, or such a folder exists."""
    return str(text).endswith(os.sep) or resolved(text).is_dir()


def new_file(text: str | Path, name: str, *, force: bool) -> Path:
    """The file to write: `text`, or `name` in it where a folder is meant; folders are created.

    Raises FileExistsError unless `force` is given, and OSError where a folder cannot be created.
    """
    path = resolved(text) / name if is_folder(text) else resolved(text)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and not force:
        raise FileExistsError(errno.EEXIST, "it exists already (--force replaces it)", str(path))
    return path
