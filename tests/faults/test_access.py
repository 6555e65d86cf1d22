"""The access matrix, whole: every caller sends every request of the URL map.

Strangers, people of each kind, and a key of each scope call every address of the API by every
method, every page, and every address of the admin by GET and POST. The expected side stands in
`tests/security/access/access_rules.py`. What was found is printed.
"""

import json
import re
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from security.access import roles
from tests.callers import Caller
from tests.security.access import access_rules as rules

pytestmark = [pytest.mark.fault, pytest.mark.django_db]
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
REFUSED = {401, 403}
WAYS_IN = re.compile(
    r"^(login|logout|admin/(login|logout|jsi18n|r)/|account/|setup/|healthz|readyz)"
    r"|^admin/((search|password_change|password_change/done)/)?$"  # show nothing of any row
)
ADMIN = [path for path, _ in rules.ROUTES if path.startswith("admin/") and not WAYS_IN.match(path)]
CALLS = [path for path, _ in rules.API_ROUTES]
PAGES = [
    path
    for path, _ in rules.ROUTES
    if path not in {*CALLS} and not path.startswith("admin/") and not WAYS_IN.match(path)
]

STAFF_PAGES = {"dashboards/kit"}  # for who builds pages
BY_SIGNATURE = re.compile(r"(status|onboarding|unsubscribe)/<")  # 404 without the right address
EDITORS = frozenset({roles.OPERATOR, roles.ADMINISTRATOR})
NARROW = [  # pages of some roles alone
    (re.compile("dashboards/audit"), frozenset({roles.OFFICER, roles.ADMINISTRATOR})),
    (re.compile("dashboards/budget-amount$"), EDITORS),
    (re.compile("dashboards/pricing/(versions/.+/edit|books/.+/draft|plans/.+)$"), EDITORS),
    (re.compile("dashboards/people/.+/invite$"), frozenset({roles.ADMINISTRATOR})),
    (re.compile("dashboards/people$"), frozenset({roles.OFFICER, roles.ADMINISTRATOR})),
]


def may_open(caller: str, path: str) -> bool:
    """The expected side: every role opens a page, unless it is one of some roles alone."""
    if BY_SIGNATURE.match(path):
        return True
    role = roles.VIEWER if caller == rules.NO_STAFF and path not in STAFF_PAGES else caller
    narrow = next((held for pattern, held in NARROW if pattern.match(path)), rules.EVERY_ROLE)
    return role in narrow


@pytest.fixture(autouse=True)
def without_limits(settings):
    settings.SECURE_SSL_REDIRECT = False
    settings.API_BURST = settings.API_ADDRESS_BURST = 1_000_000


def send(client: Any, path: str, method: str) -> int:
    where = rules.filled(path)
    answer = client.generic(method, where, "{}", content_type="application/json")
    return int(answer.status_code)


def show(name: str, sent: int, wrong: list[Any]) -> None:
    verdict = "broken" if wrong else "ok"
    found = {"fault": name, "requests": sent, "wrong": wrong[:20], "verdict": verdict}
    print(json.dumps(found, default=str))  # noqa: T201 - the figure
    assert wrong == []


def session(caller: str) -> Client:
    client = Caller()
    client.force_login(rules.person(caller))
    return client


def test_every_call_by_every_caller():
    wrong, sent = [], 0
    callers: list[tuple[str, Client, Any]] = [("stranger", Caller(), lambda *_: False)]
    for caller in rules.PEOPLE:
        may = lambda path, method, caller=caller: rules.person_may_call(caller, path, method)  # noqa: E731 - bound here
        callers.append((caller, session(caller), may))
    for name, held in rules.KEY_SCOPES.items():
        may = lambda path, method, held=held: rules.key_may_call(held, path, method)  # noqa: E731 - bound here
        callers.append((name, Caller(rules.key(held)), may))
    for caller, client, may in callers:
        for path in CALLS:
            for method in METHODS:
                sent += 1
                status = send(client, path, method)
                if (status not in REFUSED) != may(path, method) or status >= 500:
                    wrong.append((caller, method, path, status))
    show("access-calls", sent, wrong)


def test_every_page_by_every_person():
    wrong, sent = [], 0
    for caller in ("stranger", *rules.PEOPLE):
        client = Caller() if caller == "stranger" else session(caller)
        for path in PAGES:
            sent += 1
            answer = client.get(rules.filled(path))
            status = answer.status_code
            is_refused = status in REFUSED or "/login" in answer.headers.get("Location", "")
            if is_refused == may_open(caller, path) or status >= 500:
                wrong.append((caller, path, status))
    show("access-pages", sent, wrong)


def permission_of(path: str) -> tuple[str, str] | None:
    """The screen and the step of one of the admin's own addresses."""
    found = re.match(
        r"admin/(\w+)/(\w+)/(?:<path:object_id>/)?(add|change|delete|history)?/?$", path
    )
    if found is None:
        return None
    steps = {None: "view", "history": "view"}
    return f"{found[1]}.{found[2]}", steps.get(found[3], found[3] or "view")


@pytest.mark.parametrize("caller", [rules.NO_STAFF, rules.NO_ROLE, *roles.ROLES])
def test_every_address_of_the_admin(caller):
    """Refused is 403, or the way to sign in; what a role holds is never refused by mistake."""
    client, wrong, statuses = session(caller), [], Counter[int]()
    for path in ADMIN:
        for method in ("GET", "POST"):
            status = send(client, path, method)
            statuses[status] += 1
            known = permission_of(path)
            if status >= 500:
                wrong.append((method, path, status))
            elif known is not None and caller in roles.ROLES:
                label, step = known
                app, model = label.split(".")
                held = roles.grants(caller, app, f"{step}_{model}")
                held = held or (step == "view" and roles.grants(caller, app, f"change_{model}"))
                if not held and step in {"view", "add", "delete"} and status not in {302, 403, 404}:
                    wrong.append((method, path, status))
            elif caller not in roles.ROLES and status not in {302, 403, 404, 405}:
                wrong.append((method, path, status))
    if caller not in roles.ROLES:
        wrong += [("any", "any", each) for each in statuses if each == 200]
    show(f"access-admin {caller} {dict(statuses)}", sum(statuses.values()), wrong)
