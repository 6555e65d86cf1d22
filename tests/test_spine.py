"""The spine holds: contents pages, settings and their example, and no file that style forbids."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["dashboards", "enterprise", "marketing", "revenue", "security", "operations"]
FORBIDDEN = {"utils", "base", "constants", "exceptions", "types", "managers", "helpers"}


def sources():
    for app in [*APPS, "aethercrown"]:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def holders(app, name):
    """The feature modules called `name`, such as marketing.budget.models."""
    return {f"{app}.{path.parent.name}.{name}" for path in (ROOT / app).glob(f"*/{name}.py")}


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("name", ["models", "admin", "tasks"])
def test_the_contents_page_names_what_every_feature_holds(app, name):
    expected = holders(app, name)
    if not expected:
        return
    page = importlib.import_module(f"{app}.{name}")
    found = {getattr(page, each).__module__ for each in page.__all__}
    if name == "tasks":  # a shared task is a proxy; its own name tells the module
        tree = ast.parse((ROOT / app / "tasks.py").read_text(encoding="utf-8"))
        found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert found == expected


def test_every_setting_that_is_read_stands_in_the_example_with_its_default():
    text = (ROOT / "aethercrown" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE))
    assert read == named


def test_the_environment_is_read_in_settings_only():
    allowed = {
        "aethercrown/settings.py",
        "aethercrown/bootstrap.py",  # runs before anything is installed
        "aethercrown/celery.py",  # names the settings module
        "aethercrown/wsgi.py",
    }
    readers = set()
    for path in sources():
        place = path.relative_to(ROOT).as_posix()
        if "/embedded/" in place or "/gate/" in place or "/commands/" in place:
            continue  # these hand an environment to processes they start
        if re.search(r"\bos\.environ\b|\bos\.getenv\b", path.read_text(encoding="utf-8")):
            readers.add(place)
    assert readers <= allowed


def test_no_module_is_named_after_nothing():
    bound = ROOT / "aethercrown/db/sqlite/base.py"  # Django looks for a backend under that name
    assert not [path for path in sources() if path.stem in FORBIDDEN and path != bound]


def test_no_file_is_empty():
    assert not [path for path in sources() if not path.read_text(encoding="utf-8").strip()]


def test_files_and_functions_keep_their_size():
    too_long = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 600:
            too_long.append(str(path))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 40:
                    too_long.append(f"{path}:{node.lineno} {node.name} {lines}")
    assert not too_long


def test_nine_functions_of_ten_have_at_most_twenty_five_lines():
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(len(lengths) * 0.9)] <= 25
