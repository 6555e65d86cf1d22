"""What a rotator may use: nothing that staff have not bound to the place."""

from dataclasses import replace

import pytest

from security.rotation import registry
from security.rotation.registry import (
    BindingTerms,
    TargetAddress,
    TargetRefused,
    empty_context,
)
from security.rotation.rotators.database import DatabasePassword

PLACE = TargetAddress("database", "db1.example.com", 5432)
CONFIG = {"host": PLACE.host, "port": PLACE.port, "database": "app", "roles": ["a", "b"]}


def test_a_key_without_bindings_uses_no_other_secret():
    with pytest.raises(TargetRefused, match="No managed key 'admin' may be used at db1"):
        empty_context("db", CONFIG).secret_of("admin", PLACE)


def test_roles_that_change_their_own_password_need_no_other_secret():
    bound = replace(empty_context("db", CONFIG), terms=lambda _place: BindingTerms())
    DatabasePassword().check_bindings(bound)
    with pytest.raises(TargetRefused, match="No binding"):
        DatabasePassword().check_bindings(empty_context("db", CONFIG))


def test_a_random_value_begins_with_no_dash(monkeypatch):
    made = iter(["-abc", "--", "abc"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(made))
    assert registry.random_value() == "abc"
