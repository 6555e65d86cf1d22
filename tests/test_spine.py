"""The spine holds: contents pages, settings and their example, and no file that style forbids."""

import ast
import importlib
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["dashboards", "enterprise", "marketing", "revenue", "security", "operations"]
FORBIDDEN = {"utils", "base", "constants", "exceptions", "types", "managers", "helpers"}


def sources():
    for app in [*APPS, "aethercrown"]:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def holders(app, name):
    """The features that have such a module or package, such as budget for models."""
    folder = ROOT / app
    return {
        path.relative_to(folder).parts[0]
        for pattern in (f"*/{name}.py", f"*/{name}/__init__.py")
        for path in folder.glob(pattern)
    }


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("name", ["models", "admin", "tasks"])
def test_the_contents_page_names_what_every_feature_holds(app, name):
    expected = holders(app, name)
    if not expected:
        return
    page = importlib.import_module(f"{app}.{name}")
    tree = ast.parse((ROOT / app / f"{name}.py").read_text(encoding="utf-8"))
    imports = [each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    found = {module.split(".")[1] for module in imports if module}
    assert found == expected
    assert all(hasattr(page, each) for each in page.__all__)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("name", ["models", "admin", "tasks"])
def test_every_module_of_such_a_package_is_loaded_with_the_contents_page(app, name):
    importlib.import_module(app if not holders(app, name) else f"{app}.{name}")
    files = [each for each in (ROOT / app).glob(f"*/{name}/*.py") if each.stem != "__init__"]
    modules = {".".join(each.relative_to(ROOT).with_suffix("").parts) for each in files}
    assert modules <= set(sys.modules)


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
    bound = set((ROOT / "aethercrown/db").glob("*/base.py"))  # Django looks for that name
    assert not [path for path in sources() if path.stem in FORBIDDEN and path not in bound]


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


def imported_modules(path):
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def features_it_needs(app):
    """For each feature folder of an app, the other ones that it imports."""
    features = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")}
    features -= {"migrations", "management"}
    needs = defaultdict(set)
    for feature in features:
        for path in (ROOT / app / feature).rglob("*.py"):
            for module in imported_modules(path):
                parts = module.split(".")
                if parts[0] == app and len(parts) > 1 and parts[1] in features - {feature}:
                    needs[feature].add(parts[1])
    return needs


def reached_from(feature, needs):
    found, new = set(), needs[feature]
    while new:
        found |= new
        new = {each for one in new for each in needs[one]} - found
    return found


@pytest.mark.parametrize("app", APPS)
def test_no_two_features_import_each_other_directly_or_round_a_corner(app):
    needs = features_it_needs(app)
    assert not [each for each in [*needs] if each in reached_from(each, needs)]


def test_no_two_classes_have_one_name():
    """At the top level: a nested enum carries the name of its owner. Django wants `Command`."""
    places = defaultdict(list)
    for path in sources():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name != "Command":
                places[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


SLOW_TO_IMPORT = {
    "scipy",
    "openpyxl",
    "fpdf",
    "holidays",
}  # together they would double a start and its memory
BEHIND_A_CALL = {"revenue/documents/pdf.py"}  # itself imported where a document is drawn


def test_no_module_makes_every_process_import_what_few_need():
    found = []
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for each in tree.body:
                names = [alias.name for alias in each.names] if isinstance(each, ast.Import) else []
                names += [each.module or ""] if isinstance(each, ast.ImportFrom) else []
                slow = SLOW_TO_IMPORT.intersection(each.split(".")[0] for each in names)
                found += [(name, *slow)] if slow and name not in BEHIND_A_CALL else []
    assert found == []
