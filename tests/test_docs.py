"""What the documents say is so: settings, commands, links and figures' commands exist."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "THREATS.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    local = [each for each in targets if "://" not in each and not each.startswith("mailto:")]
    assert not [each for each in local if not (document.parent / each).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_named_exist(document):
    named = set(re.findall(r"manage\.py ([a-z_]+)", document.read_text(encoding="utf-8")))
    assert named <= set(get_commands())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    declared = set(re.findall(r"^([a-z][a-z ]+):", makefile, flags=re.MULTILINE))
    targets |= {each for line in declared for each in line.split()}
    named = set(re.findall(r"`make ([a-z]+)`", document.read_text(encoding="utf-8")))
    assert named <= targets


@pytest.mark.parametrize("app", ["marketing", "revenue", "operations", "security", "dashboards"])
def test_the_readme_and_the_apps_story_name_every_feature(app):
    features = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")} - {
        "migrations",
        "management",
        "commands",
    }
    story = (ROOT / app / "__init__.py").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [each for each in features if each not in story or each not in readme]


def named_tests():
    """Each test that docs/security.md names: `tests/x.py::test_a`, then `test_b` of the same."""
    place = ""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for path, name in re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", text):
        place = path or place
        yield place, name


def test_every_test_that_the_security_page_names_exists():
    named = set(named_tests())
    assert len(named) > 60
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]
    assert missing == []
