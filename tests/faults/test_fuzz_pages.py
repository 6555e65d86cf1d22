"""100,000 made-up addresses and forms of the pages and the admin, from the URL map: 0 answers 5xx.

The demo company is there, so that half of the addresses of rows are of real ones, and each form is
read from its page first, so that its own fields are sent. What a call changes is undone after it.
PAGE_FUZZ_CALLS makes it shorter, FAULT_SEED repeats it. What was found is printed whole.
"""

import json
import logging
import os
import random
import re
import secrets
import time
from collections import Counter
from datetime import date

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.urls import URLPattern, get_resolver, reverse

from aethercrown import demo
from aethercrown.http import sessions

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
CALLS = int(os.environ.get("PAGE_FUZZ_CALLS", "100000"))
ODD = (
    *("", "0", "1", "-1", "abc", "9" * 60, "-" + "9" * 60, "9223372036854775808", "1e400", "NaN"),
    *("Infinity", "9999-12", "9999-12-31", "0001-01-01", "0000-00-00", "1-1-1", "%00", "a%00b"),
    *("%ff", "%ed%a0%80", "%F0%9F%92%A3", "'", '"', "<b>", "..", "%2F", "null", "[]", "{}", "=1"),
    *("true", "on", "x" * 3_000, "USD", "csv", "\u0663", "\uff11\uff12", "2026-02-30", "24:61"),
)
FIELD = re.compile(rb"<(?:input|select|textarea)\b[^<>]{0,500}?\bname=\"([\w.\[\]-]{1,80})\"")
TODAY = date(2026, 11, 2)
LEFT_OUT = ("logout", "password", "readyz")  # the last is 503 where a check fails
LOOKUPS = (
    *("", "__exact", "__id__exact", "__year", "__gte", "__isnull", "__in", "__contains", "__x"),
    *("__range", "__regex", "__date", "__hour", "__startswith", "__has_key"),
)
PARAMETERS = (
    "q",
    "p",
    "o",
    "e",
    "page",
    "period",
    "from",
    "to",
    "month",
    "day",
    "currency",
    "table",
)
MORE = (
    "format",
    "compare",
    "plan",
    "id",
    "next",
    "sort",
    "cursor",
    "limit",
    "kind",
    "_popup",
    "pk",
)


def routes():
    """Every path of the URL map outside the API, its parameters written as {}."""
    return sorted({each for each in walk(get_resolver().url_patterns, "/") if "/api/" not in each})


def walk(patterns, before):
    for each in patterns:
        text = re.sub(r"<[^>]*>|\(\?P<[^>]*>[^)]*\)", "{}", str(each.pattern))
        path = before + re.sub(r"[\\^$]|\(\?:|\)\?|\(|\)", "", text).replace("Z", "")
        if isinstance(each, URLPattern):
            yield path
        else:
            yield from walk(each.url_patterns, path)


def fields_of_lists():
    """The list of each table of the admin, with the names of its columns."""
    for model in admin.site._registry:
        options = model._meta
        path = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        yield path, [field.name for field in options.concrete_fields]


# Dates typed into the admin's time filters are read as midnight of the server's zone.
@pytest.mark.filterwarnings("ignore:DateTimeField:RuntimeWarning")
@pytest.mark.django_db
def test_no_page_and_no_form_fails_for_what_is_sent(admin_client, admin_user):
    chooser = random.Random(SEED)  # noqa: S311 - a test's choice
    admin_client.raise_request_exception = False
    demo.seed(TODAY)
    known, lists, rows = routes(), list(fields_of_lists()), dict(rows_of_lists())
    known = [each for each in known if not any(word in each for word in LEFT_OUT)]
    statuses: Counter[int] = Counter()
    wrong: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()

    def look(sent, call, *arguments):
        answer = undone(call, *arguments)
        statuses[answer.status_code] += 1
        if answer.status_code >= 500:
            wrong[f"{sent} {arguments}"[:1_000]] += 1
        if "/login" in answer.headers.get("Location", "") or not sum(statuses.values()) % 100:
            sign_in(admin_client, admin_user)  # fresh, as forms of keys and people ask for it
        return answer

    sign_in(admin_client, admin_user)
    try:
        while sum(statuses.values()) < CALLS:
            path = address(chooser, known, lists, rows)
            answer = look("GET", admin_client.get, path)
            if chooser.random() < 0.3:
                found = [each.decode() for each in FIELD.findall(page_of(answer))]
                fields.update(found)
                look("POST", admin_client.post, path, form(chooser, found))
    finally:
        logging.disable(logging.NOTSET)
    print(json.dumps({  # noqa: T201 - the figure
        "fault": "page fuzz",
        "seed": SEED,
        "calls": sum(statuses.values()),
        "routes": len(known),
        "fields": len(fields),
        "statuses": dict(sorted(statuses.items())),
        "wrong": sum(wrong.values()),
        "seconds": round(time.monotonic() - began),
        "verdict": "broken" if wrong else "ok",
    }))  # fmt: skip
    assert not wrong, "\n".join(wrong)


def undone(call, *arguments):
    """The answer; what the call changed is rolled back."""
    with transaction.atomic():
        answer = call(*arguments)
        transaction.set_rollback(True)
    return answer


def sign_in(client, user):
    """Sign in with a second factor, just now."""
    client.force_login(user)
    session = client.session
    sessions.mark_reauthenticated(session, int(time.time()))
    sessions.mark_second_factor(session, user.pk)
    session.save()


def page_of(answer):
    is_page = answer.status_code == 200 and not answer.streaming
    return answer.content if is_page and "html" in answer.headers.get("Content-Type", "") else b""


def rows_of_lists():
    """The first of each list's rows."""
    for path, _ in fields_of_lists():
        app, model = path.split("/")[2:4]
        table = apps.get_model(app, model)
        yield path, [str(each) for each in table.objects.values_list("pk", flat=True)[:3]]


def address(chooser, known, lists, rows):
    """A path with odd parameters in it and after it."""
    if chooser.random() < 0.4:
        path, names = chooser.choice(lists)
        query = [f"{chooser.choice(names)}{chooser.choice(LOOKUPS)}" for _ in range(2)]
    else:
        path = chooser.choice(known)
        real = rows.get(f"{path.partition('{}')[0]}")
        if real and chooser.random() < 0.5:
            path = path.replace("{}", chooser.choice(real), 1)
        while "{}" in path:
            path = path.replace("{}", chooser.choice(ODD) or "1", 1)
        query = []
    query += [chooser.choice((*PARAMETERS, *MORE)) for _ in range(chooser.randint(0, 3))]
    given = "&".join(f"{name}={chooser.choice(ODD)}" for name in query)
    return f"{path.replace('?', '')}?{given}"


def form(chooser, found):
    """The fields of the form, or such as forms have, some with odd values."""
    names = ("name", "note", "code", "currency", "amount", "date", "action", "_selected_action")
    more = ("index", "select_across", "value", "config", "level", "channel", "customer", "_save")
    asked = list(dict.fromkeys(found)) or chooser.sample((*names, *more), chooser.randint(0, 8))
    kept = [name for name in asked if chooser.random() < 0.9]
    return {name: chooser.choice(ODD).replace("%00", "\0") for name in kept}
