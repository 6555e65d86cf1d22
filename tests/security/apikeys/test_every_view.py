"""No address is left open by accident."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from security.apikeys import scopes
from security.apikeys.api import AnyCredential, HasScope

OPEN = {
    "healthz",
    "readyz",
    "account_login",
    "account_logout",
    "mfa_authenticate",
    "setup",
}  # by name: whoever asks is answered


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
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "1", path).replace("^", "").replace("$", "")


ALL = [(path, each) for path, each in patterns(get_resolver()) if not path.startswith("admin/")]
CALLS = [(path, view) for path, each in ALL if (view := getattr(each.callback, "cls", None))]


def test_the_api_is_found():
    assert any(path.startswith("api/v1/optimization/") for path, _ in CALLS)


@pytest.mark.parametrize(("path", "view"), CALLS)
def test_every_call_asks_for_a_known_scope_or_any_credential(path, view):
    assert issubclass(view, APIView)
    if view.permission_classes == [AnyCredential]:
        return
    assert view.permission_classes == [HasScope]
    wanted = view.scopes or [scopes.needed(view.area, method) for method in ("GET", "POST")]
    assert set(wanted) <= set(scopes.ALL)


@pytest.mark.parametrize("path", [path for path, _ in CALLS])
@pytest.mark.django_db
def test_a_stranger_is_asked_for_a_key_everywhere(client, path):
    address = filled(path)
    reply = client.get(address)
    assert reply.status_code in {401, 405}
    assert client.post(address, {}, content_type="application/json").status_code in {401, 405}


@pytest.mark.parametrize(
    "path", [p for p, each in ALL if each.name not in OPEN and not hasattr(each.callback, "cls")]
)
@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in_from_every_page(client, path):
    assert client.get(filled(path)).headers["Location"].startswith("/login?next=")
