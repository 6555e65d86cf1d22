"""Consent and suppression are kept by address, under a hash that tells nobody the address."""

import pytest

from aethercrown.transitions import InvalidTransition
from operations.messaging import reports, services
from operations.messaging.models import AddressHashKey, RecipientAddress
from operations.messaging.services import UnknownLink
from operations.messaging.services.addresses import unsubscribe_path
from tests.operations.conftest import NOON
from tests.operations.messaging.services.conftest import ADA

pytestmark = pytest.mark.django_db


def test_an_address_has_one_row_however_it_is_written():
    row = services.give_consent(f" {ADA} ", source="form", now=NOON)
    assert services.give_consent(ADA.lower(), source="again", now=NOON).pk == row.pk
    assert "ada" not in row.address_hash
    assert len(row.address_hash) == 64
    assert str(row) == f"address {row.pk}"
    assert str(AddressHashKey.objects.get()) == "Key of the hashes of addresses"


def test_nothing_is_known_before_the_first():
    assert reports.known([ADA]) == {}
    assert reports.address_states([ADA])[ADA]["consent"] == "unknown"
    assert not reports.may_be_offered(ADA)


def test_consent_is_given_withdrawn_and_given_again():
    services.withdraw_consent(ADA, source="phone", now=NOON)
    state = reports.address_states([ADA])[ADA]
    assert (state["consent"], state["suppression"]) == ("withdrawn", "marketing")
    assert not reports.may_be_offered(ADA)
    services.give_consent(ADA, source="form", now=NOON)
    state = reports.address_states([ADA])[ADA]
    assert (state["consent"], state["suppression"], state["suppression_reason"]) == (
        "given", "none", "",
    )  # fmt: skip
    assert reports.may_be_offered(ADA)


def test_where_the_law_allows_it_staff_ask_no_consent():
    from operations.messaging.models import SendingRule  # noqa: PLC0415

    SendingRule.objects.filter(purpose="marketing").update(needs_consent=False)
    services.recipient(ADA)
    assert reports.may_be_offered(ADA)


def test_a_suppression_ends_only_by_hand_and_an_unsubscription_stays():
    row = services.withdraw_consent(ADA, source="phone", now=NOON)
    for _again in range(2):
        services.suppress(row.pk, reason="bounced", now=NOON)
    services.give_consent(ADA, source="form", now=NOON)
    row.refresh_from_db()
    assert (row.suppression, row.suppression_reason) == ("all", "bounced")
    services.withdraw_consent(ADA, source="phone", now=NOON)
    after = services.allow_again(row.pk, now=NOON)
    assert (after.suppression, after.suppression_reason) == ("marketing", "unsubscribed")
    with pytest.raises(InvalidTransition, match="not suppressed for all mail"):
        services.allow_again(row.pk, now=NOON)
    services.give_consent(ADA, source="form", now=NOON)
    services.suppress(row.pk, reason="by_staff", now=NOON)
    assert services.allow_again(row.pk, now=NOON).suppression == "none"


def test_a_link_works_for_ever_and_after_an_erasure():
    row = services.give_consent(ADA, source="form", now=NOON)
    token = unsubscribe_path(row).rpartition("/")[2]
    row.delete()
    assert services.unsubscribe(token, NOON).consent == "withdrawn"
    before = RecipientAddress.history.count()
    assert services.unsubscribe(token, NOON).consent_source.startswith("The link")
    assert RecipientAddress.history.count() == before
    with pytest.raises(UnknownLink):
        services.unsubscribe(f"{token}x", NOON)
