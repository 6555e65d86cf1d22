import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import include, path, resolve
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from security.apikeys import services
from security.apikeys.api import AnyCredential
from security.apikeys.models import ApiKey


class Plans(APIView):
    area = "optimization"
    permission_to_read = "marketing.view_budgetplan"

    def get(self, request):
        return Response({"by": getattr(request.auth, "name", None) or str(request.user)})

    post = get


class Both(Plans):
    scopes = ("revenue:read", "content:read")


class Forgotten(Plans):
    area = ""


class Undeclared(Plans):
    permission_to_read = ""


class Fresh(Plans):
    fresh_methods = frozenset({"POST"})


class Schema(Plans):
    permission_classes = [AnyCredential]


urlpatterns = [
    path("plans", Plans.as_view()),
    path("both", Both.as_view()),
    path("forgotten", Forgotten.as_view()),
    path("schema", Schema.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("fresh", Fresh.as_view()),
    path("", include("aethercrown.urls")),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
OTHER = "ac_live_" + "0" * 49


@pytest.fixture(autouse=True)
def plain_http(settings):  # over a client that does not follow redirects
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def key():
    return services.create("shop", ["optimization:read", "revenue:read"]).plaintext


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("form", ["Bearer", "bearer"])
def test_a_bearer_key_opens_its_area(client, key, form):
    reply = client.get("/plans", headers={"Authorization": f"{form} {key}"})
    assert (reply.status_code, reply.json()) == (200, {"by": "shop"})


def test_the_key_header_opens_it_too_and_both_may_say_the_same(client, key):
    assert client.get("/plans", headers={"X-API-Key": key}).status_code == 200
    assert client.get("/plans", headers={"X-API-Key": key, **bearer(key)}).status_code == 200


def test_two_headers_that_disagree_are_refused(client, key):
    reply = client.get("/plans", headers={"X-API-Key": key, **bearer(OTHER)})
    assert reply.status_code == 401
    assert "different keys" in reply.content.decode()


@pytest.mark.parametrize("name", ["key", "api_key", "X-API-Key", "access_token", "q"])
def test_a_key_in_the_address_is_refused_even_beside_a_good_header(client, key, name):
    reply = client.get(f"/plans?{name}={key}", headers=bearer(key))
    assert reply.status_code == 401
    assert key not in reply.content.decode()


@pytest.mark.parametrize("text", ["", "x", OTHER, "ac_live_", "é", "a b c"])
@pytest.mark.parametrize("header", ["Bearer {}", "bearer   {}"])
def test_what_is_no_key_is_refused_and_the_scheme_is_named(client, text, header):
    reply = client.get("/plans", headers={"Authorization": header.format(text)})
    assert reply.status_code == 401
    assert reply["WWW-Authenticate"].startswith("Bearer")


def test_a_stranger_is_asked_for_a_key(client):
    reply = client.get("/plans", headers={"Authorization": "Basic eDp5"})
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_a_key_does_not_write_with_the_reading_scope(client, key):
    reply = client.post("/plans", headers=bearer(key))
    assert reply.status_code == 403
    assert "optimization:write" in reply.content.decode()


def test_a_refusal_is_logged_with_the_route_the_status_and_the_key(client, key, caplog):
    there = "/api/v1/operational/security/keys/register"
    with caplog.at_level(logging.INFO, logger="aethercrown.access"):
        answer = client.post(there, {}, "application/json", headers=bearer(key))
    assert answer.status_code == 403
    [line] = [vars(each) for each in caplog.records if each.name == "aethercrown.access"]
    assert (line["route"], line["status"]) == (resolve(there).view_name, 403)
    assert line["key_id"] == ApiKey.objects.get().pk


def test_a_refusal_of_a_person_is_logged_with_who_it_was(client, django_user_model, caplog):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    client.force_login(eve)
    with caplog.at_level(logging.INFO, logger="aethercrown.access"):
        for path in ("/admin/security/managedsecret/", "/api/v1/operational/health/check"):
            assert client.get(path).status_code == 403
    lines = [vars(each) for each in caplog.records if each.name == "aethercrown.access"]
    assert [(line["status"], line["user_id"]) for line in lines] == [(403, eve.pk)] * 2


def test_a_view_with_scopes_of_its_own_asks_for_all_of_them(client, key):
    both = services.create("x", ["revenue:read", "content:read"]).plaintext
    assert client.get("/both", headers=bearer(key)).status_code == 403
    assert client.get("/both", headers=bearer(both)).status_code == 200


def test_a_view_that_names_no_scope_is_closed_to_all(client, admin_client):
    every = services.create("x", ["all"]).plaintext
    assert client.get("/forgotten", headers=bearer(every)).status_code == 403
    assert admin_client.get("/forgotten").status_code == 403


def test_any_key_opens_what_needs_only_a_credential(client, admin_client, key):
    assert client.get("/schema").status_code == 401
    assert client.get("/schema", headers=bearer(key)).status_code == 200
    assert admin_client.get("/schema").status_code == 200


def test_a_key_shown_from_elsewhere_is_forbidden_by_the_address_that_proxies_saw(client, settings):
    limits = services.KeyLimits("198.51.100.0/24")
    key = services.create("shop", ["all"], limits=limits).plaintext
    refused = client.get("/plans", headers=bearer(key), REMOTE_ADDR="203.0.113.7")
    assert refused.status_code == 403
    assert "203.0.113.7" in refused.content.decode()
    forged = {**bearer(key), "X-Forwarded-For": "198.51.100.1"}
    assert client.get("/plans", headers=forged, REMOTE_ADDR="203.0.113.7").status_code == 403
    settings.TRUSTED_PROXIES = 1
    assert client.get("/plans", headers=forged, REMOTE_ADDR="203.0.113.7").status_code == 200


def test_a_request_costs_one_query_and_no_write(client, key, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert client.get("/plans", headers=bearer(key)).status_code == 200


def test_a_revoked_key_is_refused_by_the_very_next_request(client, key):
    assert client.get("/plans", headers=bearer(key)).status_code == 200
    found = services.verify_key(key)
    assert found is not None
    services.revoke(found.id)
    assert client.get("/plans", headers=bearer(key)).status_code == 401


def test_a_retiring_key_works_and_its_answers_say_until_when(client):
    old = services.create("shop", ["all"])
    services.rotate(old.key.pk, timedelta(hours=1), now=timezone.now())
    reply = client.get("/plans", headers=bearer(old.plaintext))
    assert reply.status_code == 200
    assert reply["Deprecation"].startswith("@")
    assert reply["Sunset"].endswith("GMT")


def test_a_key_that_stays_carries_no_such_headers(client, key):
    reply = client.get("/plans", headers=bearer(key))
    assert "Deprecation" not in reply
    assert "Sunset" not in reply


def test_a_key_calls_at_its_own_rate(client):
    limits = services.KeyLimits(burst=1, rate_per_second=0.3)
    key = services.create("shop", ["all"], limits=limits).plaintext
    codes = [client.get("/plans", headers=bearer(key)) for _ in range(2)]
    assert [each.status_code for each in codes] == [200, 429]
    assert codes[1]["Retry-After"] == "4"


@pytest.fixture
def staff(django_user_model):
    def made(*groups, **fields):
        user = django_user_model.objects.create_user("ada", is_staff=True, **fields)
        user.groups.set(Group.objects.filter(name__in=groups))
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        return client

    return made


def test_a_staff_session_reads_what_its_role_may_see(staff):
    assert staff("viewer").get("/plans").json() == {"by": "ada"}


def test_the_staff_flag_alone_opens_nothing(staff):
    client = staff()
    assert client.get("/plans").status_code == 403
    assert client.get("/metrics").status_code == 403


def test_a_view_that_names_no_permission_is_open_to_no_session(staff):
    assert staff("administrator").get("/undeclared").status_code == 403


def test_a_call_that_shows_secrets_asks_a_session_for_a_fresh_sign_in(staff):
    client = staff("operator")
    assert post(client, "/fresh").status_code == 200
    session = client.session
    session["proved"] -= 301
    session.save()
    refused = post(client, "/fresh")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "fresh_sign_in_required"
    assert client.get("/fresh").status_code == 200


def test_somebody_signed_in_who_is_not_staff_is_turned_away(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("bob"))
    assert client.get("/plans").status_code == 403
    assert client.get("/schema").status_code == 403


def post(client, path="/plans"):
    """With the CSRF token in cookie and header, as a page of ours would send it."""
    token = client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    return client.post(path, content_type="application/json", headers={"X-CSRFToken": token})


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 200)])
def test_a_staff_session_writes_with_a_role_that_operates(staff, role, status):
    assert post(staff(role)).status_code == status


def test_a_staff_session_without_the_csrf_token_does_not_write(staff):
    reply = staff("operator").post("/plans", content_type="application/json")
    assert reply.status_code == 403
    assert "CSRF" in reply.content.decode()
