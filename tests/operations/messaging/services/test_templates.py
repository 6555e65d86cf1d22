"""Versions of texts: drafts are edited, published ones never change."""

import pytest
from django.core.exceptions import ValidationError

from aethercrown.transitions import InvalidTransition
from operations.messaging import services
from operations.messaging.models import MailTemplateVersion
from tests.operations.conftest import NOON

pytestmark = pytest.mark.django_db


def draft(**changed):
    given = {"kind": "service", "subject": "S", "text": "T {{ total }}", **changed}
    return services.save_draft(MailTemplateVersion(**given))


def test_each_draft_has_the_next_number_of_its_kind_and_locale():
    numbers = [draft().number, draft().number, draft(locale="de").number]
    assert numbers == [1, 2, 1]
    assert str(MailTemplateVersion.objects.get(locale="de")) == "service de, version 1"


def test_a_published_version_is_neither_edited_nor_published_again():
    row = draft()
    row.subject = "Better"
    assert services.save_draft(row).number == 1
    published = services.publish(row.pk, now=NOON)
    assert (published.state, published.published_at) == ("published", NOON)
    for step in (lambda: services.publish(row.pk, now=NOON), lambda: services.save_draft(row)):
        with pytest.raises(InvalidTransition, match="never changes"):
            step()


def test_an_undeclared_field_is_refused_beside_its_column():
    row = draft(subject="{{ plan }}", text="{{ total")
    with pytest.raises(ValidationError) as refused:
        services.publish(row.pk, now=NOON)
    assert set(refused.value.message_dict) == {"subject", "text"}
