"""Looks through the source for writes that a tracked table's history does not see."""

import ast
from pathlib import Path
from typing import Any

from django.db.models import Model

from aethercrown.history import tracking

ROOT = Path(__file__).resolve().parents[2]
APPS = ("aethercrown", "operations", "security", "revenue", "marketing", "enterprise", "dashboards")
BULK = {"update", "bulk_create", "bulk_update", "delete", "_raw_delete"}


def sources():
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path


def tracked_names():
    """Tracked models by the module and the name that they can be imported under."""
    return {
        (module, model.__name__): model
        for model in tracking.tracked()
        for module in (model.__module__, f"{model._meta.app_label}.models")
    }


def bulk_writes(source, models):
    """(line, model, call) of each write to rows of a tracked model, or to a variable of such."""
    tree = ast.parse(source)
    names = imported(tree, models)
    for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
        rows = assigned(function, names)
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            model = model_of(node.func.value, names, rows)
            if model is not None and node.func.attr in BULK and not only_hot(node, model):
                yield node.lineno, model._meta.label, node.func.attr


def imported(tree, models):
    found: dict[str, type[Model]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                model = models.get((node.module, each.name))
                if model is not None:
                    found[each.asname or each.name] = model
    return found


def assigned(function, names):
    """Variables such as rows = Model.objects.filter(...), until they stand for a single row."""
    found: dict[str, type[Model]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            model = model_of(node.value, names, found)
            if model is not None and not gives_one(node.value):
                found[node.targets[0].id] = model
    return found


def model_of(node, names, rows):
    """Whose rows an expression such as Model.objects.filter(...) stands for."""
    through = set()
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            through.add(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    name = node.id if isinstance(node, ast.Name) else ""
    return names.get(name) if "objects" in through else rows.get(name)


def gives_one(node):
    last = node.func.attr if isinstance(node, ast.Call) and hasattr(node.func, "attr") else ""
    return last not in {"filter", "exclude", "all", "order_by", "select_for_update", "objects"}


def only_hot(node, model):
    """An update of columns that are not tracked, written out by name."""
    rows: Any = tracking.tracked()[model]  # has tracked_fields from its library, at run time
    tracked = {field.name for field in rows.tracked_fields}
    hot = {field.name for field in model._meta.fields} - tracked
    if node.func.attr == "bulk_create":  # an update of rows that exist, of those columns
        return any(each.arg == "update_conflicts" for each in node.keywords)
    return node.func.attr == "update" and {each.arg for each in node.keywords} <= hot
