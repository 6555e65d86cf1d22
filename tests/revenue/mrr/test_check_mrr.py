from datetime import date

import pytest
from django.core.management import call_command

from revenue.customers.models import Subscription

pytestmark = pytest.mark.django_db


def test_a_true_ledger_is_said_to_be_so(subscribe, capsys):
    subscribe(date(2026, 3, 1), "10")
    call_command("check_mrr")
    assert "matches the subscriptions" in capsys.readouterr().out


def test_a_break_is_named_with_both_figures(customer, subscribe, capsys):
    subscribe(date(2026, 3, 1), "10")
    Subscription.objects.update(amount=11)
    with pytest.raises(SystemExit) as left:
        call_command("check_mrr")
    assert left.value.code == 1
    output = capsys.readouterr().err
    words = f"customer {customer.pk}: a subscription brings 11.000000, its terms 10.000000"
    assert words in output
    assert "Customers that differ: 1." in output
