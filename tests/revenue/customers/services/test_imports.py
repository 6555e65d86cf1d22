"""Files of customers, subscriptions and payments: whole or not at all, and out again the same."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import call_command

from aethercrown.csv import export, importing
from revenue.customers import reports
from revenue.customers import services as customers
from revenue.customers.models import Customer, Payment, Subscription
from revenue.mrr import reports as ledger
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import MovementKind
from revenue.mrr.reports import consistency
from tests.revenue.csv_files import NOW, PEOPLE, TODAY, faults_of, load

PUBLIC = Path(__file__).resolve().parents[4] / "shared" / "data" / "telco_churn.csv"
MAPS = (
    "external_id=customerID",
    "tenure_months=tenure",
    "monthly=MonthlyCharges",
    "churned=Churn",
    "plan=Contract",
    "segment=InternetService",
)
SUBSCRIBED = (
    "subscription,customer,plan,amount,every,currency,started_on,ended_on\n"
    "s1,a,pro,120,year,USD,2026-01-10,\n"
    "s2,a,pro,5,,USD,2026-02-01,2026-03-01\n"
)
PAID = "payment,customer,paid_on,amount,kind\np1,a,2026-01-10,120,\np2,a,2026-01-11,20,refund\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    assert load("customers", PEOPLE).created == 2


def test_three_files_make_the_whole_record(people):
    assert load("subscriptions", SUBSCRIBED).created == 2
    assert load("payments", PAID).created == 2
    assert Payment.objects.get(external_id="p2").kind == "refund"
    ends = [
        tuple(
            map(
                int,
                (
                    each.closing,
                    each.amount(MovementKind.EXPANSION),
                    each.amount(MovementKind.CONTRACTION),
                ),
            )
        )
        for each in ledger.bridge("USD", date(2026, 1, 1), TODAY)
    ]
    assert ends == [(10, 0, 0), (15, 5, 0), (10, 0, 5)]
    assert consistency.differing_customers() == (0, [])


def test_a_preview_stores_nothing(people):
    report = load("subscriptions", SUBSCRIBED, dry_run=True)
    assert (report.rows, len(report.preview)) == (2, 2)
    assert not Subscription.objects.exists()


def test_what_came_in_goes_out_and_comes_in_again(people):
    load("subscriptions", SUBSCRIBED)
    load("payments", PAID)
    before = ledger.bridge("USD", date(2026, 1, 1), TODAY)
    kinds = ("customers", "subscriptions", "payments")
    files = {}
    for kind in kinds:
        exporter = export.named(kind)
        files[kind] = "".join(export.csv_lines(exporter.header, exporter.rows()))
    assert len(list(export.named("mrr-movements").rows())) == MrrMovement.objects.count()
    MrrMovement.objects.all().delete()
    for model in (Payment, Subscription):
        for row in model.objects.all():
            getattr(row, "changes", model.objects.none()).all().delete()
        model.objects.all().delete()
    Customer.objects.all().delete()
    for kind in kinds:
        assert load(kind, files[kind]).stored
    assert ledger.bridge("USD", date(2026, 1, 1), TODAY) == before


def test_stored_customers_are_kept_unless_update_was_chosen(people):
    again = "external_id,name\na,Ada AG\nc,New\n"
    assert faults_of(load("customers", again)) == [
        (2, "external_id", "a is stored already; import with update to replace it")
    ]
    report = load("customers", again, update=True)
    assert (report.created, report.updated) == (1, 1)
    ada = Customer.objects.get(external_id="a")
    assert (ada.name, ada.segment) == ("Ada AG", "Retail")


def test_a_customer_without_a_name_is_called_by_its_id():
    load("customers", "external_id\nx\n")
    assert Customer.objects.get().name == "x"


def test_a_paying_customers_currency_stays(people):
    load("subscriptions", SUBSCRIBED)
    report = load("customers", "external_id,currency\na,EUR\nb,GBP\n", update=True)
    assert faults_of(report) == [(2, "currency", "a pays in USD, this row is in EUR")]
    assert Customer.objects.get(external_id="b").currency == "EUR"


def test_merged_and_erased_customers_take_nothing_more(people):
    load("customers", "external_id,currency\nc,USD\nd,USD\n")
    keys = {each.external_id: each.pk for each in Customer.objects.all()}
    customers.merge(keys["a"], keys["c"], now=NOW)
    customers.erase(keys["d"], now=NOW)
    merged = f"c was merged into customer number {keys['a']}"
    erased = f"erased-{keys['d']} was erased on 20 Mar 2026"
    file = f"external_id,currency\nc,USD\nerased-{keys['d']},USD\n"
    assert [reason for _, _, reason in faults_of(load("customers", file, update=True))] == [
        merged,
        erased,
    ]
    file = "subscription,customer,amount,started_on\ns9,c,1,2026-01-01\n"
    assert faults_of(load("subscriptions", file)) == [(2, "customer", merged)]


def test_a_customer_merged_between_check_and_store_takes_nothing(people):
    """The check runs before the lock; what was merged meanwhile is seen under it."""
    checked = importing.named("payments")
    kept = Customer.objects.create(external_id="c", name="C", currency="USD")

    def merged_meanwhile(batch, options):
        found = checked.clashes(batch, options)
        customers.merge(kept.pk, Customer.objects.get(external_id="a").pk, now=NOW)
        return found

    late = replace(checked, clashes=merged_meanwhile)
    options = importing.ImportOptions("USD", today=TODAY)
    report = importing.load(late, BytesIO(PAID.encode()), {}, options)
    reason = "other rows were stored at the same time; import again"
    assert faults_of(report) == [(0, "", reason)]
    assert not Payment.objects.exists()


def test_every_wrong_subscription_is_named(people):
    load("subscriptions", SUBSCRIBED)
    file = SUBSCRIBED.splitlines()[0] + (
        "\ns1,a,,1,,USD,2026-01-01,\n"
        "n1,nobody,,1,,USD,2026-01-01,\n"
        "n2,b,,1,,USD,2026-01-01,\n"
        "n3,a,,1,,USD,2026-02-01,2026-01-31\n"
        "n4,a,,1,,USD,2206-04-01,\n"
    )
    assert faults_of(load("subscriptions", file)) == [
        (2, "subscription", "s1 is stored already; change or adjust it in the admin"),
        (5, "ended_on", "2026-01-31 is before the start, 2026-02-01"),
        (6, "started_on", "2206-04-01 is more than three years ahead"),
        (3, "customer", "there is no customer nobody"),
        (4, "currency", "b pays in EUR, not in USD"),
    ]
    assert Subscription.objects.count() == 2


def test_cells_that_cannot_be_read_are_named(people):
    file = "subscription,customer,amount,currency,started_on\nn,a,1,ZZZ,2026-01-01\n"
    assert faults_of(load("subscriptions", file)) == [
        (2, "currency", "'ZZZ' is not a currency code such as USD")
    ]


def test_every_wrong_payment_is_named(people):
    load("payments", PAID)
    file = "payment,customer,paid_on,amount\np1,a,2026-01-10,1\np3,a,2026-03-21,1\n"
    assert faults_of(load("payments", file)) == [
        (2, "payment", "p1 is stored already"),
        (3, "paid_on", "2026-03-21 is after today, 2026-03-20"),
    ]


def test_one_wrong_row_of_ten_thousand_stores_nothing():
    rows = [f"c{number},{number % 72},{number % 50}.10,no" for number in range(1, 10_001)]
    rows[9_999] = "c10000,12,9.99,maybe"
    file = "external_id,tenure_months,monthly,churned\n" + "\n".join(rows)
    assert faults_of(load("customers-wide", file)) == [
        (10_001, "churned", "'maybe' is neither yes nor no")
    ]
    assert not Customer.objects.exists()
    assert not MrrMovement.objects.exists()


def test_a_wide_row_makes_a_customer_a_subscription_and_its_movements():
    file = "external_id,tenure_months,monthly,churned\nx,2,10,no\ny,1,20,yes\n"
    assert load("customers-wide", file).created == 4
    bridges = ledger.bridge("USD", date(2026, 1, 1), TODAY)
    assert [(int(each.closing), each.payers_closing) for each in bridges] == [
        (10, 1),
        (30, 2),
        (10, 1),
    ]
    again = faults_of(load("customers-wide", file, update=True))
    assert again[0] == (2, "external_id", "x is stored already; import its subscriptions alone")


def test_without_a_day_a_wide_file_reckons_from_now():
    load("customers-wide", "external_id,tenure_months,monthly,churned\nx,0,10,no\n", today=None)
    assert abs((datetime.now(UTC).date() - Subscription.objects.get().started_on).days) <= 1


@pytest.mark.skipif(
    not PUBLIC.exists(), reason="the public data files are not beside the repository"
)
def test_7043_customers_come_in_by_one_command(capsys):
    maps = [f"--map={each}" for each in MAPS]
    call_command("import_data", "customers-wide", str(PUBLIC), *maps, "--today=2026-03-20")
    assert "7043 rows read: 14086 records stored" in capsys.readouterr().out
    assert Customer.objects.count() == 7043
    now = ledger.bridge("USD", TODAY, TODAY)[0]
    assert (now.closing, now.payers_closing) == (Decimal("316985.75"), 5174)
    assert sum(each.mrr for each in reports.mrr_by_plan("USD")) == now.closing
    parts = ledger.bridges_by_segment("USD", TODAY, TODAY)
    assert sum(each[0].closing for each in parts.values()) == now.closing
