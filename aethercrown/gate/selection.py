"""Which tests `make check` runs: those of the apps that a change touches and of those above.

And which features have code of their own for each database. Pure but for what asks git or reads
the tree.
"""

import re
import subprocess
from collections.abc import Collection, Iterable
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
LONG_TESTS = ("tests/faults/", "tests/benchmarks/")  # not part of the gate
APPS_WITH_FEATURES = ("enterprise", "marketing", "revenue", "security", "operations")
WHOLE_TREE = "tests/test_[!du]*.py"  # small, and about every file
DOCUMENTS, UPGRADE = "tests/test_docs.py", "tests/test_upgrade.py"  # each takes a minute
NEUTRAL = (".md", ".png", ".example")  # read by the tests that name them, and those of documents
PAGE_TEMPLATE = re.compile(r"templates/dashboards/[^/]+\.html")  # others are parts of every screen
# Tests in the folder of one app about the calls, screens or files of all, and which paths those
# are about. The test of the gate finds any other that asks for all addresses, screens or models.
ABOUT_EVERY_APP = (
    ("tests/aethercrown/test_every_call.py", r"/api\b|/urls\b|serializ"),
    ("tests/aethercrown/api/test_reference.py", r"/api\b|/urls\b|serializ"),
    ("tests/aethercrown/api/test_openapi.py", r"/api\b|/urls\b|serializ"),
    ("tests/security/apikeys/test_every_view.py", r"/api\b|/urls\b|/admin\b|/views\b"),
    ("tests/security/access/test_matrix.py", r"/urls\b|/admin\b|/views\b|/models\b|/roles\b"),
    ("tests/aethercrown/db/test_masked.py", r"/models\b|/admin\b"),
    ("tests/aethercrown/http/test_kept_forms.py", r"/models\b"),
    ("tests/aethercrown/history/test_tracking.py", r"\.py$"),
    ("tests/aethercrown/test_patterns.py", r"\.py$"),
)
PAGES_OF_EVERY_APP = {"overview", "search", "customers"}  # show what apps register


def unpushed_since(root: Path) -> str:
    """The commit that a change begins at: the last one shared with the upstream, else HEAD.

    So work that is committed already still counts as changed.
    """
    try:
        return _git(root, "merge-base", "HEAD", "@{upstream}")[0]
    except subprocess.CalledProcessError:
        return "HEAD"


def changed_files(root: Path, since: str) -> list[str]:
    """Paths that differ from the commit `since`, and files git does not track yet.

    A file that was moved counts at both places. Raises CalledProcessError where `since` is no
    commit.
    """
    changed = _git(root, "diff", "--name-only", "--no-renames", "--relative", since)
    untracked = _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({*changed, *untracked})


def test_paths(changed: Iterable[str]) -> list[str]:
    """What pytest is given for these changed files; just `tests` where a shared file changed.

    That is the folders of the apps that changed, and of those above them that import one of the
    chosen; of pages the families that import one, or that show what features register. Of other
    folders the test files that import a chosen app, name a changed document, or are about every
    app. The commands of documents run where a document or a command changed, the kept database of
    an earlier release where a table changed.
    """
    changed = list(changed)
    touched = {app for path in changed if (app := _app_of(path)) is not None}
    if not touched <= {*APPS[1:]}:
        return ["tests"]
    apps = _with_importers(touched)
    chosen = [each for app in apps for each in _tests_of(app, apps, touched)]
    code = [each for each in apps if each != "dashboards" or each in touched]
    chosen += _other_tests(changed, code, chosen)
    if any(path.endswith(NEUTRAL) or "/commands/" in path for path in changed):
        chosen.append(DOCUMENTS)
    if any("/migrations/" in path or "models" in path for path in changed):
        chosen.append(UPGRADE)
    return [*chosen, WHOLE_TREE]


def _app_of(path: str) -> str | None:
    """The app of a file; "" of one that all share, None of one that only documents."""
    parts = path.split("/")
    if PAGE_TEMPLATE.fullmatch(path):
        return "dashboards"
    app = parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]
    if app in APPS:
        return app
    return None if path.endswith(NEUTRAL) else ""


def _tests_of(app: str, apps: Collection[str], touched: Collection[str]) -> list[str]:
    """All tests of an app; of pages that no change touches, those of families that import one."""
    if app != "dashboards" or app in touched:
        return [f"tests/{app}"]
    below = [each for each in apps if each != app]
    return [*(f"tests/{app}/{each}" for each in _page_families(below)), f"tests/{app}/test_*.py"]


def _page_families(apps: Collection[str]) -> list[str]:
    """Families of pages that import one of the apps, directly or through each other."""
    root = data_dir.ROOT / "dashboards"
    texts = {each.parent.name: _text_of(each.parent) for each in root.glob("*/__init__.py")}
    texts |= {each.stem: each.read_text(encoding="utf-8") for each in root.glob("[!_]*.py")}
    chosen: set[str] = set()
    while found := {
        name
        for name in texts.keys() - chosen
        if _imports(texts[name], [*apps, *(f"dashboards.{each}" for each in chosen)])
    }:
        chosen |= found
    return sorted(each for each in chosen | PAGES_OF_EVERY_APP if (root / each).is_dir())


def _other_tests(changed: Collection[str], apps: Collection[str], chosen: list[str]) -> list[str]:
    """Test files outside the folders already chosen that a change can break."""
    code = [path for path in changed if not path.endswith(NEUTRAL)]
    found = [test for test, about in ABOUT_EVERY_APP if any(re.search(about, p) for p in code)]
    named = [*apps, *(f"tests.{each}" for each in apps)]
    documents = {path.rpartition("/")[2] for path in changed if path.endswith(NEUTRAL)}
    for file in sorted((data_dir.ROOT / "tests").glob("*/**/test_*.py")):
        text = file.read_text(encoding="utf-8")
        if _imports(text, named) or any(each in text for each in documents):
            found.append(str(file.relative_to(data_dir.ROOT)))
    there = tuple(each.removesuffix("*.py") if "*" in each else f"{each}/" for each in chosen)
    return sorted({each for each in found if not each.startswith((*there, *LONG_TESTS))})


def _with_importers(touched: Collection[str]) -> list[str]:
    """The apps that a change touches, and those that import one of the chosen."""
    chosen: list[str] = []
    for app in APPS:
        if app in touched or _imports(_text_of(data_dir.ROOT / app), chosen):
            chosen.append(app)
    return chosen


def _text_of(folder: Path) -> str:
    return "\n".join(each.read_text(encoding="utf-8") for each in folder.rglob("*.py"))


def _imports(text: str, modules: Collection[str]) -> bool:
    """Whether Python code imports one of the modules or something in them."""
    for whole in modules:
        package, _, name = whole.rpartition(".")
        within = rf"|from {package} import (?:\([^)]*|[^\n(]*)\b{name}\b" if package else ""
        if re.search(rf"^\s*(?:(?:from|import) {whole}\b{within})", text, re.MULTILINE):
            return True
    return False


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
