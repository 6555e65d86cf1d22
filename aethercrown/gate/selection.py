"""Which tests `make check` runs: those of the apps that a change touches and of those above.

And which features have code of their own for each database. Pure but for what asks git or reads
the tree.
"""

import re
import subprocess
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from aethercrown import data_dir

APPS = (  # from the bottom up: an app imports only those before it
    "aethercrown",
    "operations",
    "security",
    "revenue",
    "marketing",
    "enterprise",
    "dashboards",
)
APPS_WITH_FEATURES = ("enterprise", "marketing", "revenue", "security", "operations")
WHOLE_TREE = "tests/test_[!du]*.py"  # small, and about every file
DOCUMENTS, UPGRADE = "tests/test_docs.py", "tests/test_upgrade.py"  # each takes a minute
NEUTRAL = (".md", ".txt", ".png", ".example")  # read by tests of WHOLE_TREE alone


def changed_files(root: Path, since: str) -> list[str]:
    """Paths that differ from the commit `since`, and files git does not track yet.

    Raises CalledProcessError where `since` is no commit.
    """
    changed = _git(root, "diff", "--name-only", since)
    untracked = _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({*changed, *untracked})


def test_paths(changed: Iterable[str]) -> list[str]:
    """What pytest is given for these changed files; just `tests` where a shared file changed.

    The commands of documents run where a document or a command changed, the kept database of an
    earlier release where a table changed. An app above, and a family of
    pages, is left out where it imports none that is chosen.
    """
    changed = list(changed)
    lowest, touched = len(APPS), set[str]()
    for path in changed:
        parts = path.split("/")
        app = parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]
        if app == "templates":
            touched.add("dashboards")
            app = "operations"  # the lowest app that has pages
        if app in APPS:
            touched.add(app)
            lowest = min(lowest, APPS.index(app))
        elif not path.endswith(NEUTRAL):
            return ["tests"]
    if lowest == 0:
        return ["tests"]
    apps = _with_importers(APPS[lowest:], touched)
    chosen = [each for app in apps for each in _tests_of(app, apps, touched)]
    if any(path.endswith(".md") or "/commands/" in path for path in changed):
        chosen.append(DOCUMENTS)
    if any("/migrations/" in path or "models" in path for path in changed):
        chosen.append(UPGRADE)
    return [*chosen, WHOLE_TREE]


def _tests_of(app: str, apps: Sequence[str], touched: Collection[str]) -> list[str]:
    """All tests of an app; of pages that no change touches, those of families that import one."""
    if app != "dashboards" or app in touched:
        return [f"tests/{app}"]
    imports = _imports_of([each for each in apps if each != app])
    families = sorted(each.parent for each in (data_dir.ROOT / app).glob("*/__init__.py"))
    named = [
        f"tests/{app}/{family.name}"
        for family in families
        if any(imports.search(file.read_text(encoding="utf-8")) for file in family.glob("*.py"))
    ]
    return [*named, f"tests/{app}/test_*.py"]


def _imports_of(apps: Sequence[str]) -> "re.Pattern[str]":
    below = "|".join(apps) or "(?!)"
    return re.compile(rf"^\s*(?:from|import) (?:{below})\b", re.MULTILINE)


def _with_importers(apps: Sequence[str], touched: Collection[str]) -> list[str]:
    """Those of these apps that a change touches, and those that import one of the chosen."""
    chosen: list[str] = []
    for app in apps:
        imports = _imports_of(chosen)
        files = (data_dir.ROOT / app).rglob("*.py")
        if app in touched or any(
            imports.search(file.read_text(encoding="utf-8")) for file in files
        ):
            chosen.append(app)
    return chosen


def vendor_specific_modules(root: Path) -> tuple[str, ...]:
    """Modules such as `security.audit.triggers` that have a way for each database (`vendor`)."""
    found = set()
    for app in APPS:
        for file in (root / app).rglob("*.py"):
            place = file.relative_to(root)
            inside = len(place.parts) > 2 and place.parts[1] not in {"migrations", "gate"}
            if inside and "vendor" in file.read_text(encoding="utf-8"):
                found.add(".".join(place.with_suffix("").parts))
    return tuple(sorted(found))


def feature_folders(modules: Iterable[str]) -> tuple[str, ...]:
    """The features of modules, as folders such as `security/audit`."""
    return tuple(sorted({"/".join(each.split(".")[:2]) for each in modules}))


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["git", *arguments],  # noqa: S607 - git as the person's PATH has it
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
