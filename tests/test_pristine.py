from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from revenue.pricing.models import PlanPrice, PriceBook, PriceBookVersion
from security.access.models import User

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def rows():
    """Every row of every model of ours and of Django's."""
    return {
        model._meta.label: sorted(map(repr, model._default_manager.order_by().values_list()))
        for model in apps.get_models()
    }


def test_what_was_added_changed_and_removed_is_as_before(django_db_setup):
    before = rows()
    assert before["auth.Permission"]
    assert before["revenue.PlanPrice"]
    ada = User.objects.create_user("ada")
    ada.groups.add(Group.objects.create(name="new"))
    Permission.objects.filter(codename="view_user").delete()
    Group.objects.filter(name="viewer").update(name="renamed")
    PriceBookVersion.objects.filter(state="published").update(state="retired", retired_at=NOON)
    book = PriceBook.objects.create(code="other", title="Other", currency="EUR")
    PriceBookVersion.objects.create(
        book=book, number=1, effective_from=NOON.date(), created_at=NOON
    )
    assert rows() != before
    django_db_setup()
    assert rows() == before


def test_what_the_database_guards_stays_guarded(django_db_setup):
    User.objects.create_user("ada")
    django_db_setup()
    with pytest.raises(Exception, match="published"):
        PlanPrice.objects.update(base_price=1)


def test_nothing_is_done_where_nothing_changed(django_db_setup):
    before = rows()
    django_db_setup()
    assert rows() == before
