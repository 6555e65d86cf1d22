import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.apikeys import scopes


def test_all_stands_for_a_pair_for_each_of_the_six_areas():
    assert scopes.parse("all") == scopes.ALL
    assert len(scopes.ALL) == 12


def test_names_are_put_in_order_and_counted_once():
    assert scopes.parse(" revenue:read, optimization:write,revenue:read ,") == (
        "optimization:write",
        "revenue:read",
    )


def test_all_beside_a_name_is_still_all():
    assert scopes.parse("all,revenue:read") == scopes.ALL


@pytest.mark.parametrize("text", ["admin", "revenue", "revenue:delete", "all,root", "Revenue:read"])
def test_an_unknown_scope_is_named_and_the_known_are_listed(text):
    with pytest.raises(scopes.UnknownScope) as caught:
        scopes.parse(text)
    assert text.removeprefix("all,") in str(caught.value)
    assert "optimization:read" in str(caught.value)


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_a_key_needs_a_scope(text):
    with pytest.raises(scopes.UnknownScope, match="at least one"):
        scopes.parse(text)


@pytest.mark.parametrize(
    ("method", "mode"),
    [("GET", "read"), ("HEAD", "read"), ("OPTIONS", "read"), ("POST", "write"), ("", "write")],
)
def test_only_reading_methods_need_the_read_scope(method, mode):
    assert scopes.needed("revenue", method) == f"revenue:{mode}"


@given(st.sets(st.sampled_from(scopes.ALL)), st.sets(st.sampled_from(scopes.ALL)))
def test_a_key_opens_exactly_what_it_holds_and_never_what_asks_for_nothing(held, wanted):
    assert scopes.covers(held, wanted) is (bool(wanted) and wanted <= held)


@pytest.mark.parametrize("scope", [scopes.APPROVE, scopes.REVEAL])
def test_all_opens_neither_stored_values_nor_approvals(scope):
    assert scope not in scopes.chosen(["all"])
    assert scopes.chosen(["all", scope]) == (*scopes.ALL, scope)


def test_a_person_hands_out_what_the_permissions_allow_and_no_more():
    assert scopes.held_by([]) == frozenset()
    assert scopes.held_by(["security.operate"]) >= {"revenue:write", "content:write"}
    assert "optimization:write" not in scopes.held_by(["security.operate"])
    every = {each for needed in scopes.PERMISSIONS.values() for each in needed}
    assert scopes.held_by(every) == set(scopes.GRANTABLE)


def test_what_is_lacking_is_named():
    scopes.check_held(["revenue:read"], ["revenue:read"], "ada")
    with pytest.raises(scopes.ScopeNotHeld, match="ada lacks revenue:write, decisions:approve, so"):
        scopes.check_held(["decisions:approve", "revenue:write"], ["revenue:read"], "ada")
