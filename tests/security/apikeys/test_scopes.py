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


def test_the_scope_for_stored_values_is_named_alone_and_never_part_of_all():
    assert not [scope for scope in scopes.chosen(["all"]) if scope.startswith("security")]
    assert scopes.chosen(["all", "security:reveal"]) == scopes.GRANTABLE
    assert not scopes.covers(scopes.ALL, ["security:reveal"])
