"""The settings of single sign-on: a wrong one names its variable."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from aethercrown.identity_provider import role_mapping, second_factors, settings

GIVEN = {
    "issuer": "https://id.example.org/realms/shop",
    "client_id": "crown",
    "client_secret": "",
    "networks": "",
    "ca_file": "",
    "roles": "ops=operator",
}


def test_a_provider_is_read_and_without_an_issuer_there_is_none():
    found = settings(**{**GIVEN, "networks": "10.1.0.0/16", "ca_file": __file__})
    assert found is not None
    assert (found.issuer, found.client_id, len(found.networks)) == (GIVEN["issuer"], "crown", 1)
    assert settings(**{**GIVEN, "issuer": ""}) is None


def test_the_secret_is_not_printed():
    assert "s3cret" not in repr(settings(**{**GIVEN, "client_secret": "s3cret"}))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"issuer": "http://id.example.org"}, "OIDC_ISSUER"),
        ({"issuer": "id.example.org"}, "OIDC_ISSUER"),
        ({"client_id": ""}, "OIDC_CLIENT_ID"),
        ({"roles": " "}, "OIDC_ROLES"),
        ({"ca_file": "/no/such/file"}, "OIDC_CA_FILE"),
        ({"networks": "8.8.8.0/24"}, "OIDC_NETWORKS"),
    ],
)
def test_a_wrong_setting_is_named(wrong, named):
    with pytest.raises(ImproperlyConfigured, match=named):
        settings(**{**GIVEN, **wrong})


def test_roles_are_mapped_by_value():
    text = "growth team = operator, approver; cn=admins,dc=x=administrator;"
    assert role_mapping(text) == {
        "growth team": ("operator", "approver"),
        "cn=admins,dc=x": ("administrator",),
    }
    assert role_mapping("") == {}


@pytest.mark.parametrize("text", ["ops", "ops=", "=operator", "ops=a;ops=b", "ops=,"])
def test_a_mapping_that_is_none_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="OIDC_ROLES"):
        role_mapping(text)


def test_second_factors_are_values_of_amr_and_acr():
    assert second_factors("amr:mfa, acr:gold") == {"amr:mfa", "acr:gold"}
    for wrong in ("mfa", "amr:", "sub:x"):
        with pytest.raises(ImproperlyConfigured, match="OIDC_SECOND_FACTORS"):
            second_factors(wrong)
