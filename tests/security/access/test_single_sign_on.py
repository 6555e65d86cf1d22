"""Single sign-on with a provider on loopback: what opens an account, and what does not."""

import base64
import json
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, Permission
from django.test import Client

from aethercrown.http import sessions
from aethercrown.http.outbound import OutboundClient
from aethercrown.identity_provider import ProviderSettings
from security.access.models import User
from security.access.openid import claims, id_token, provider_client
from security.access.openid.provider_client import MAX_CALLS_AT_ONCE, client_for
from security.access.services import identity_provider, single_sign_on
from security.audit.models import Event
from tests.security.access import factors
from tests.security.access import identity_provider as fake

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"
ROLES = {"ops": ("operator",), "leads": ("approver", "operator"), "admins": ("administrator",)}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with fake.running(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(running, settings, own_buckets):
    running.reset()
    client_for.cache_clear()
    settings.SECURE_SSL_REDIRECT = False
    settings.OIDC_PROVIDER, settings.OIDC_ROLES = running.settings, ROLES
    return running


@pytest.fixture
def boss():
    return User.objects.create_superuser("boss", "boss@example.org", PHRASE)


def linked(user, subject="anna-1"):
    return SocialAccount.objects.create(
        user=user, provider=identity_provider.provider_key(), uid=subject
    )


def person(name="anna", **fields):
    return User.objects.create_user(name, password=PHRASE, **fields)


def is_in(client):
    return SESSION_KEY in client.session


def roles_of(user):
    return sorted(user.groups.values_list("name", flat=True))


def events(name):
    rows = Event.objects.filter(stream="access", event=name).order_by("seq")
    return [(each.subject, json.loads(each.detail)) for each in rows]


def test_it_is_off_by_default(client, settings):
    settings.SECURE_SSL_REDIRECT = False
    assert settings.OIDC_PROVIDER is None
    for path in ("/login/sso", "/login/sso/again", "/login/sso/callback?code=a&state=b"):
        assert client.get(path).status_code == 404
    assert b"/login/sso" not in client.get("/login").content


def test_a_person_with_a_mapped_role_gets_an_account_and_that_role(client, provider):
    page = client.get("/login?next=/dashboards/keys")
    assert b'href="/login/sso?next=%2Fdashboards%2Fkeys"' in page.content
    answer = fake.signed_in(
        client, provider, "/login/sso?next=/dashboards/keys", preferred_username="anna",
        email="anna@example.org", email_verified=True, given_name="Anna", groups=["ops", "else"],
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboards/keys")
    anna = User.objects.get(username="anna")
    assert (anna.email, anna.first_name, anna.is_staff) == ("anna@example.org", "Anna", True)
    assert (roles_of(anna), anna.is_superuser, anna.has_usable_password()) == (
        ["operator"], False, False,
    )  # fmt: skip
    assert is_in(client)
    subject = f"user {anna.pk}"
    assert events("single sign-on linked")[0][0] == subject
    assert events("roles granted") == [(subject, {"roles": "operator"})]
    assert events("signed in")[0][1]["way"] == "single sign-on"
    stored = SocialAccount.objects.get()
    assert (stored.uid, stored.extra_data) == ("anna-1", {})


def test_the_code_goes_with_the_secret_and_the_verifier(client, provider):
    asked = fake.begun(client)
    assert (asked["code_challenge_method"], asked["client_id"]) == ("S256", fake.CLIENT_ID)
    fake.signed_in(client, provider)
    path, headers, form = provider.asked[0]
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert (path, pair) == ("/realm/token", "crown:a%3Asecret%20of%20the%20client")
    assert form["redirect_uri"] == ["http://testserver/login/sso/callback"]
    assert len(form["code_verifier"][0]) > 43


WRONG = {
    "another nonce": {"nonce": "n" * 64},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://elsewhere.example.org"},
    "another audience": {"aud": "another application"},
    "issued to another": {"aud": ["crown", "another"], "azp": "another"},
    "several audiences and nobody named": {"aud": ["crown", "another"]},
    "expired": {"exp": int(time.time()) - 3600},
    "no end": {"exp": None},
    "issued tomorrow": {"iat": int(time.time()) + 86_400},
    "no subject": {"sub": None},
    "a subject too long": {"sub": "s" * 256},
    "a subject with a zero byte": {"sub": "a\0b"},
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_a_token_that_is_not_of_this_sign_in_is_refused(client, provider, said):
    answer = fake.signed_in(client, provider, **said)
    assert (answer.status_code, is_in(client), User.objects.count()) == (403, False, 0)
    [(subject, detail)] = events("sign-in refused")
    assert (subject, detail["why"]) == ("a name that nobody has", "single sign-on")


@pytest.mark.parametrize("how", ["none", "hmac", "another key", "unknown kid"])
def test_a_token_that_the_provider_did_not_sign_is_refused(client, provider, how):
    if how == "none":
        provider.algorithm, provider.key = "none", None
    elif how == "hmac":  # with what everybody may read
        provider.algorithm, provider.key = "HS256", json.dumps(provider.keys()).encode()
    elif how == "another key":
        provider.key = ec.generate_private_key(ec.SECP256R1())
    else:
        provider.headers = {"kid": "k2"}
    answer = fake.signed_in(client, provider)
    assert (answer.status_code, is_in(client), User.objects.count()) == (403, False, 0)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{", b"{}", b"\xff", b'{"id_token": 7}', b"[" * 100_000]
)
def test_an_answer_that_is_none_is_refused(client, provider, answer):
    asked = fake.begun(client)
    provider.answer = answer
    page = client.get("/login/sso/callback", {"code": "c0de", "state": asked["state"]})
    assert (page.status_code, is_in(client)) == (403, False)


def test_a_provider_without_a_list_of_keys_signs_nobody_in(client, provider, monkeypatch):
    monkeypatch.setattr(provider, "keys", lambda: {"keys": "none"})
    assert fake.signed_in(client, provider).status_code == 403


@pytest.mark.parametrize("secret", ["", "s3cret"])
def test_a_provider_may_want_the_secret_in_the_form_or_none(client, provider, settings, secret):
    settings.OIDC_PROVIDER = replace(provider.settings, client_secret=secret)
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert fake.signed_in(client, provider).status_code == 302
    _path, headers, form = provider.asked[0]
    assert "Authorization" not in headers
    assert form["client_id"] == [fake.CLIENT_ID]
    assert form.get("client_secret") == ([secret] if secret else None)


def test_a_provider_that_errs_or_is_asked_by_too_many_signs_nobody_in(client, provider, settings):
    settings.OIDC_PROVIDER = replace(provider.settings, issuer=f"{provider.issuer}/missing/keys")
    assert client.get("/login/sso").status_code == 403  # 404 of the provider
    assert client_for(ProviderSettings("https://id.example.org", "c")).outbound == OutboundClient()
    settings.OIDC_PROVIDER = provider.settings
    with ExitStack() as others:
        for _each in range(MAX_CALLS_AT_ONCE):
            others.enter_context(provider_client._slot())
        monkey = pytest.MonkeyPatch()
        monkey.setattr(provider_client, "WAIT_SECONDS", 0.01)
        others.callback(monkey.undo)
        assert client.get("/login/sso").status_code == 403
    assert client.get("/login/sso").status_code == 302


def test_whoever_has_no_usable_name_is_called_person(client, provider):
    fake.signed_in(client, provider, sub="|||")
    assert User.objects.get().username == "person"


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://elsewhere.example.org"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": None},
    ],
)
def test_a_document_of_another_issuer_or_without_https_is_refused(client, provider, document):
    provider.document = document
    assert client.get("/login/sso").status_code == 403


def test_a_provider_inside_is_called_only_where_its_network_is_allowed(client, provider, settings):
    inside = provider.settings
    settings.OIDC_PROVIDER = type(inside)(
        inside.issuer, inside.client_id, ca_file=inside.ca_file, networks=()
    )
    assert client.get("/login/sso").status_code == 403
    assert "refused" in events("sign-in refused")[0][1]["reason"]


def test_the_answer_counts_once_and_in_the_browser_that_asked(client, provider):
    asked = fake.begun(client)
    provider.claims = {"sub": "anna-1", "nonce": asked["nonce"], "groups": ["ops"]}
    given = {"code": "c0de", "state": asked["state"]}
    assert Client().get("/login/sso/callback", given).status_code == 403
    assert client.get("/login/sso/callback", {**given, "state": "made-up"}).status_code == 403
    assert client.get("/login/sso/callback", given).status_code == 302
    client.logout()
    assert client.get("/login/sso/callback", given).status_code == 403


def test_what_the_provider_refuses_is_said(client, provider):
    asked = fake.begun(client)
    page = client.get("/login/sso/callback", {"error": "access_denied", "state": asked["state"]})
    assert page.status_code == 403
    assert "did not sign you in" in page.content.decode()


def test_keys_that_the_provider_changed_are_read_again(provider, client):
    calls = client_for(provider.settings)
    calls._keys = (calls.clock() - 60, [{"kid": "old", "kty": "EC"}])
    assert fake.signed_in(client, provider).status_code == 302


class TestWhoseAccount:
    def test_a_confirmed_address_opens_the_account_and_ends_its_password(self, client, provider):
        anna = person(email="Anna@example.org")
        fake.signed_in(client, provider, email="anna@example.org", email_verified=True)
        anna.refresh_from_db()
        assert client.session[SESSION_KEY] == str(anna.pk)
        assert not anna.has_usable_password()  # whoever chose it before is out

    def test_an_address_that_is_not_confirmed_keeps_nobody_out(self, client, provider):
        fake.signed_in(client, provider, sub="eve", email="anna@example.org")
        assert User.objects.get().email == ""
        answer = fake.signed_in(Client(), provider, email="anna@example.org", email_verified=True)
        assert answer.status_code == 302
        assert SocialAccount.objects.get(user__email="anna@example.org").uid == "anna-1"

    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    def test_one_that_is_not_confirmed_opens_none(self, client, provider, verified):
        person(email="anna@example.org")
        page = fake.signed_in(client, provider, email="anna@example.org", email_verified=verified)
        assert (page.status_code, is_in(client), User.objects.count()) == (403, False, 1)

    def test_none_opens_a_superusers_account(self, client, provider, boss):
        page = fake.signed_in(client, provider, email=boss.email, email_verified=True)
        assert (page.status_code, is_in(client)) == (403, False)

    def test_nor_that_of_somebody_else_who_is_linked(self, client, provider):
        linked(person(email="anna@example.org"), "another")
        page = fake.signed_in(client, provider, email="anna@example.org", email_verified=True)
        assert (page.status_code, is_in(client)) == (403, False)

    def test_nor_one_that_two_have(self, client, provider):
        person("anna", email="anna@example.org")
        person("anne", email="ANNA@example.org")
        page = fake.signed_in(client, provider, email="anna@example.org", email_verified=True)
        assert page.status_code == 403

    @pytest.mark.parametrize("email", ["m\u0131ke@example.org", "mi\u212ae@example.org"])
    def test_a_look_alike_is_another_address(self, client, provider, email):
        mike = person("mike", email="mike@example.org")
        fake.signed_in(client, provider, email=email, email_verified=True)
        assert client.session[SESSION_KEY] != str(mike.pk)

    def test_a_name_that_somebody_has_is_not_taken_over(self, client, provider, boss):
        fake.signed_in(client, provider, preferred_username="BOSS")
        assert User.objects.exclude(pk=boss.pk).get().username == "BOSS-2"

    def test_a_changed_address_or_name_at_the_provider_changes_nobody(self, client, provider, boss):
        anna = person()
        linked(anna)
        fake.signed_in(
            client, provider, email=boss.email, email_verified=True, preferred_username="boss"
        )
        assert client.session[SESSION_KEY] == str(anna.pk)

    def test_another_issuer_has_other_people(self, client, provider):
        SocialAccount.objects.create(user=person(), provider="oidc-of-another", uid="anna-1")
        fake.signed_in(client, provider)
        assert User.objects.count() == 2

    def test_without_accounts_on_the_fly_only_known_people_come_in(
        self, client, provider, settings
    ):
        settings.OIDC_CREATE_PEOPLE = False
        assert fake.signed_in(client, provider).status_code == 403
        linked(person())
        assert fake.signed_in(client, provider).status_code == 302

    def test_somebody_switched_off_stays_out(self, client, provider):
        linked(person(is_active=False))
        assert (fake.signed_in(client, provider).status_code, is_in(client)) == (403, False)

    def test_an_administrator_ends_the_way_in_and_it_is_recorded(self, client, provider, boss):
        row = linked(person())
        factors.with_app(boss)
        factors.signed_in(client, boss)
        client.post(f"/admin/socialaccount/socialaccount/{row.pk}/delete/", {"post": "yes"})
        assert not SocialAccount.objects.exists()
        assert len(events("single sign-on unlinked")) == 1

    def test_a_new_account_at_the_provider_is_linked_once_the_old_row_is_deleted(
        self, client, provider
    ):
        anna = person(email="anna@example.org")
        row = linked(anna, "an earlier subject")
        claimed = {"email": "anna@example.org", "email_verified": True}
        assert b"link to an earlier account" in fake.signed_in(client, provider, **claimed).content
        row.delete()
        fake.signed_in(client, provider, **claimed)
        assert client.session[SESSION_KEY] == str(anna.pk)


class TestRoles:
    def test_they_are_those_of_the_claim_and_no_more(self, client, provider):
        anna = person(is_staff=True)
        linked(anna)
        anna.groups.add(Group.objects.get(name="security officer"))
        anna.user_permissions.add(Permission.objects.get(codename="change_user"))
        fake.signed_in(client, provider, groups=["leads"])
        assert roles_of(anna) == ["approver", "operator"]
        assert not anna.user_permissions.exists()

    def test_without_one_in_the_claim_they_go_and_so_do_the_sessions(self, client, provider, boss):
        assert fake.signed_in(client, provider).status_code == 302
        anna = User.objects.exclude(pk=boss.pk).get()
        other = Client()
        other.force_login(anna)
        page = fake.signed_in(Client(), provider, groups=[])
        assert page.status_code == 403
        assert (roles_of(anna), User.objects.get(pk=anna.pk).is_staff) == ([], False)
        assert other.get("/dashboards/keys").status_code == 302  # to the sign-in
        assert events("roles withdrawn")[-1][1] == {"roles": "operator"}

    @pytest.mark.parametrize(
        "groups", [None, "nobody", 7, {"ops": True}, [["ops"], None, 3], ["OPS"], ["ops "]]
    )
    def test_odd_claims_give_none(self, client, provider, groups):
        assert fake.signed_in(client, provider, groups=groups).status_code == 403

    def test_a_claim_within_another_is_found_by_its_path(self, client, provider, settings):
        settings.OIDC_ROLES_CLAIM = "realm_access.roles"
        fake.signed_in(client, provider, realm_access={"roles": ["ops"]})
        assert roles_of(User.objects.get()) == ["operator"]

    def test_a_role_that_is_no_group_here_gives_nothing(self, client, provider, settings):
        settings.OIDC_ROLES = {"ops": ("a role nobody made", "viewer")}
        fake.signed_in(client, provider)
        assert roles_of(User.objects.get()) == ["viewer"]

    def test_who_has_only_such_a_role_is_not_let_in(self, client, provider, settings):
        settings.OIDC_ROLES = {"ops": ("a role nobody made",)}
        assert fake.signed_in(client, provider).status_code == 403
        assert not User.objects.exists()

    def test_the_superuser_flag_is_neither_given_nor_taken(self, client, provider, boss):
        linked(boss)
        fake.signed_in(client, provider, groups=[])
        boss.refresh_from_db()
        assert (boss.is_superuser, boss.is_staff, is_in(client)) == (True, True, True)
        fake.signed_in(Client(), provider, sub="eve", groups=["admins"])
        assert not User.objects.exclude(pk=boss.pk).get().is_superuser

    def test_the_page_of_such_a_person_says_where_the_roles_come_from(self, client, provider, boss):
        anna = person()
        factors.with_app(boss)
        factors.signed_in(client, boss)
        there = f"/admin/security/user/{anna.pk}/change/"
        assert b"lasts until the next sign-in" not in client.get(there).content
        linked(anna)
        assert b"lasts until the next sign-in" in client.get(there).content

    def test_the_last_administrator_keeps_the_role(self, client, provider, boss):
        fake.signed_in(client, provider, groups=["admins"])
        anna = User.objects.exclude(pk=boss.pk).get()
        boss.delete()
        page = fake.signed_in(Client(), provider, groups=[])
        assert (page.status_code, roles_of(anna)) == (403, ["administrator"])
        fake.signed_in(Client(), provider, sub="eve", groups=["admins"])
        fake.signed_in(Client(), provider, groups=[])
        assert roles_of(anna) == []

    def test_a_superuser_without_a_password_does_not_count(self, client, provider):
        User.objects.create_superuser("machine")
        fake.signed_in(client, provider, groups=["admins"])
        fake.signed_in(Client(), provider, groups=[])
        assert roles_of(User.objects.get(is_superuser=False)) == ["administrator"]


class TestPasswords:
    def test_they_can_be_switched_off_for_those_people(self, client, provider, settings, boss):
        linked(person())
        person("bob")
        settings.OIDC_PASSWORDS = False

        def opens(name):
            fresh = Client()
            fresh.post("/login", {"username": name, "password": PHRASE})
            return is_in(fresh)

        assert (opens("anna"), opens("bob"), opens("boss")) == (False, True, True)
        linked(boss, "boss-1")
        assert opens("boss")  # or nobody could come in while the provider is down
        settings.OIDC_PASSWORDS = True
        assert opens("anna")

    def test_nor_do_they_confirm_who_one_is(self, client, provider, settings):
        settings.OIDC_PASSWORDS = False
        anna = person()
        linked(anna)
        client.force_login(anna)
        page = client.get("/account/reauthenticate?next=/x")
        assert page.headers["Location"] == "/login/sso/again?next=%2Fx"


class TestFreshness:
    def test_a_sign_in_is_as_fresh_as_the_provider_says(self, client, provider):
        now = int(time.time())
        for at, fresh in ((now, True), (now - 900, False), (None, False), (now + 10**9, True)):
            fake.signed_in(client, provider, auth_time=at)
            assert sessions.is_fresh(client.session, int(time.time())) == fresh

    def test_the_provider_is_told_to_ask_again(self, client, provider):
        asked = fake.begun(client, "/login/sso/again?next=/admin/")
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")

    def test_nobody_is_led_elsewhere_and_no_parameter_of_the_caller_is_passed_on(
        self, client, provider
    ):
        path = "/login/sso?next=https://evil.example&scope=all&auth_params=prompt%3Dnone&process=connect"
        asked = fake.begun(client, path)
        assert sorted(asked["scope"].split()) == ["email", "openid", "profile"]
        assert "prompt" not in asked
        provider.claims = {"sub": "anna-1", "nonce": asked["nonce"], "groups": ["ops"]}
        answer = client.get("/login/sso/callback", {"code": "c", "state": asked["state"]})
        assert answer.headers["Location"] == "/"


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def required(self, provider, settings):
        settings.SECOND_FACTOR_REQUIRED = True
        settings.OIDC_SECOND_FACTORS = frozenset({"amr:mfa", "acr:gold"})

    @pytest.mark.parametrize(
        ("said", "enough"),
        [
            ({"amr": ["pwd", "mfa"]}, True),
            ({"acr": "gold"}, True),
            ({"amr": ["pwd"]}, False),
            ({"acr": "mfa"}, False),
            ({}, False),
        ],
    )
    def test_the_providers_counts_where_settings_name_it(self, client, provider, said, enough):
        fake.signed_in(client, provider, groups=["leads"], **said)
        page = client.get("/dashboards/keys")
        assert (page.status_code == 200) == enough
        assert page.headers.get("Location") == (None if enough else "/account/2fa/")

    def test_ones_own_is_asked_all_the_same(self, client, provider):
        anna = person()
        linked(anna)
        factors.with_app(anna)
        answer = fake.signed_in(client, provider, groups=["leads"], amr=["mfa"])
        assert answer.headers["Location"] == "/account/2fa/authenticate/"
        assert not is_in(client)
        client.post("/account/2fa/authenticate/", {"code": factors.code()})
        assert client.get("/dashboards/keys").status_code == 200
        assert sessions.is_fresh(client.session, int(time.time()))

    def test_a_session_of_the_provider_shows_a_factor_that_was_set_up_later(self, client, provider):
        fake.signed_in(client, provider, groups=["leads"], amr=["mfa"])
        factors.with_app(User.objects.get())
        assert client.get("/dashboards/keys").headers["Location"].startswith("/account/2fa/reauth")
        Authenticator.objects.all().delete()

    def test_it_is_of_the_person_who_showed_it(self, client, provider):
        fake.signed_in(client, provider, groups=["leads"], amr=["mfa"])
        fake.signed_in(client, provider, sub="eve-1", groups=["leads"])
        assert client.get("/dashboards/keys").headers["Location"] == "/account/2fa/"


def test_one_address_starts_no_flood_of_sign_ins(client, provider):
    codes = [client.get("/login/sso").status_code for _ in range(31)]
    assert (codes[:30], codes[30]) == ([302] * 30, 429)


def test_a_token_is_verified_by_the_algorithm_of_its_key_alone():
    with pytest.raises(id_token.IdTokenRefused):
        id_token.verify("a.b", [], issuer="i", client_id="c", nonce="n")


@pytest.mark.django_db(transaction=True)
def test_of_two_first_sign_ins_at_once_both_get_the_one_account(at_once):
    identity = claims.Identity("anna-1", "anna", roles=frozenset({"operator"}))
    found = at_once(lambda: single_sign_on.admit(identity, "p").user, 2)
    assert found == [User.objects.get(username="anna")] * 2
