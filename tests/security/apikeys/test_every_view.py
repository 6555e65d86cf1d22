"""No address is left open by accident: a walk over every route that there is.

Each call is asked for with no key, with one that is wrong in each way, and with one that is good
for everything else; each page and each screen of the admin without signing in.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.views import APIView

from security.apikeys import scopes, services, token
from security.apikeys.api import AnyCredential, HasScope
from tests.callers import Caller

# Open by their nature: alive or not, and the ways in, which show nothing of anybody.
OPEN = {"healthz", "readyz", "account_login", "setup", "public-status", "unsubscribe"}
OPEN |= {"contact-onboarding"}
SIGNING_IN = re.compile(r"^(login|logout|admin/(login|logout|password_change)/|account/|setup/)")
METHODS = ("get", "head", "post", "put", "patch", "delete")
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, path)
        else:
            yield path, each


def filled(path: str) -> str:
    """An address that the pattern `path` takes."""
    path = re.sub(r"<uuid:\w+>", str(UUID(int=1)), path)
    path = re.sub(r"\(\?P<format>[^)]*\)", "json", path)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "1", path).replace("^", "").replace(
        "$", ""
    ).replace("\\Z", "").replace("/?", "")


ALL = list(patterns(get_resolver()))
CALLS = [(path, view) for path, each in ALL if (view := getattr(each.callback, "cls", None))]
SCOPED = [(path, view) for path, view in CALLS if view.permission_classes == [HasScope]]
ADMIN = [
    path
    for path, _ in ALL
    if path.startswith("admin/")
    and path != "admin/search/"  # leads to the search of all
    and not SIGNING_IN.match(path)
]
PAGES = [
    path
    for path, each in ALL
    if not (hasattr(each.callback, "cls") or path.startswith("admin/"))
    and each.name not in OPEN
    and not SIGNING_IN.match(path)
]


@pytest.fixture(autouse=True)
def _patient(settings):
    settings.API_BURST = 1_000_000
    settings.SECURE_SSL_REDIRECT = False


def asked(caller, paths, methods=METHODS):
    """Every call by every method: method, path and the status of the answer."""
    for path in paths:
        for method in methods:
            answer = getattr(caller, method)(filled(path), content_type="application/json")
            yield method, path, answer.status_code


def open_to(caller, paths, status, methods=METHODS):
    """The calls that answered anything but `status`."""
    return [each for each in asked(caller, paths, methods) if each[2] != status]


def made(**more) -> services.IssuedKey:
    return services.create("a client", ["all"], **more)


def wrong_keys() -> Iterator[tuple[str, str]]:
    """A key that opens nothing, for each reason why."""
    now = timezone.now()
    good = made().plaintext
    yield "no key at all", "nothing"
    yield "never issued", token.generate("ac")
    yield "mistyped", good[:-1] + ("0" if good[-1] != "0" else "1")
    yield "cut", good[:-5]
    yield "expired", made(now=now - 2 * DAY, expires_at=now - DAY).plaintext
    revoked = made()
    services.revoke(revoked.key.pk)
    yield "revoked", revoked.plaintext
    replaced = made()
    services.rotate(replaced.key.pk, timedelta(0))
    yield "retired", replaced.plaintext
    settled = made()
    services.rotate(settled.key.pk, DAY, now=now - 3 * DAY)
    yield "past its grace", settled.plaintext


def test_the_walk_finds_the_calls_pages_and_screens():
    paths = [path for path, _ in CALLS]
    assert any(path.startswith("api/v1/optimization/") for path in paths)
    assert any(path.endswith("keys/<str:key_id>/rotate") for path in paths)
    assert "dashboards/keys" in PAGES
    assert "admin/security/managedsecret/" in ADMIN


def asks_rightly(view) -> bool:
    if not issubclass(view, APIView):
        return False
    if view.permission_classes == [AnyCredential]:
        return True
    wanted = named(view) or [scopes.needed(view.area, method) for method in ("GET", "POST")]
    return view.permission_classes == [HasScope] and set(wanted) <= set(scopes.GRANTABLE)


def test_every_call_asks_for_a_known_scope_or_any_credential():
    assert [path for path, view in CALLS if not asks_rightly(view)] == []


def test_a_stranger_is_asked_for_a_key_everywhere():
    assert open_to(Caller(), [path for path, _ in CALLS], 401) == []


def test_a_key_that_opens_nothing_is_refused_everywhere():
    for reason, key in wrong_keys():
        found = open_to(Caller(key), [path for path, _ in CALLS], 401, ("get", "post"))
        assert (reason, found) == (reason, [])


def test_a_good_key_in_the_address_is_refused_everywhere():
    key = made().plaintext
    client = Caller(key)
    found = [
        (path, status)
        for path, _ in CALLS
        if (status := client.get(f"{filled(path)}?api_key={key}").status_code) != 401
    ]
    assert found == []


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_key_with_every_scope_but_the_one_needed_is_forbidden_everywhere(mode):
    safe = [each for each in METHODS if (each.upper() in scopes.READ_METHODS) == (mode == "read")]
    found = []
    for area in scopes.AREAS:
        lacking = Caller(made_with(set(scopes.ALL) - {f"{area}:{mode}"}))
        paths = [path for path, view in SCOPED if f"{area}:{mode}" in needed(view, mode)]
        found += [each for each in asked(lacking, paths, safe) if each[2] != 403]
    assert found == []


def made_with(held) -> str:
    return services.create("a client", held).plaintext


def needed(view, mode) -> tuple[str, ...]:
    return named(view) or (f"{view.area}:{mode}",)


def named(view) -> tuple[str, ...]:
    """The scopes that a view names itself; a job's depend on the job."""
    return () if isinstance(view.scopes, property) else tuple(view.scopes)


def test_a_key_shown_from_elsewhere_is_forbidden_everywhere():
    elsewhere = services.KeyLimits(allowed_networks="198.51.100.0/24")
    key = services.create("a client", ["all"], limits=elsewhere).plaintext
    assert open_to(Caller(key), [path for path, _ in CALLS], 403) == []


def test_somebody_signed_in_who_is_no_staff_is_forbidden_everywhere(django_user_model):
    caller = Caller()
    caller.force_login(django_user_model.objects.create_user("bob"))
    assert open_to(caller, [path for path, _ in CALLS], 403) == []


def test_a_stranger_is_sent_to_sign_in_from_every_page_and_screen(client):
    found = []
    for path in (*PAGES, *ADMIN):
        answer = client.get(filled(path))
        if not re.match(r"^/(admin/)?login/?\?next=", answer.headers.get("Location", "")):
            found.append((path, answer.status_code))
    assert found == []


def test_somebody_without_a_role_sees_no_page_and_no_screen(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("bob"))
    found = []
    for path in (*PAGES, *ADMIN):
        if path == "search":
            continue  # it opens, and lists only what the person may open
        answer = client.get(filled(path))
        sent_away = "/login" in answer.headers.get("Location", "")
        if answer.status_code != 403 and not sent_away:
            found.append((path, answer.status_code))
    assert found == []
