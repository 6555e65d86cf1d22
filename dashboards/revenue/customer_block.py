"""What revenue knows of a customer: terms, MRR over time, invoices, payments and credit."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.urls import reverse

from aethercrown.charts.lines import Series, line
from aethercrown.formatting import COUNT, full, money, month_text
from dashboards.charts import PageChart, page_chart
from dashboards.customer_blocks import BlockContent, CustomerBlock, ShownCustomer, customer_blocks
from dashboards.tables import Column, Table
from revenue.billing import periods
from revenue.billing import reports as billing
from revenue.customers import reports as customers
from revenue.mrr import reports as mrr

MONTHS = 13
MAX_ROWS = 24


def terms(shown: ShownCustomer) -> BlockContent | None:
    """Each subscription with the periods of its plans, the newest first."""
    rows = customers.terms_of(shown.pk, MAX_ROWS)
    if not rows:
        return None
    unit = money(shown.currency)
    columns = (
        *map(Column, ("Plan", "From")),
        Column("State", badge=True),
        Column("Price basis"),
        Column("Price", unit),
        Column("Every"),
        Column("Quantity", COUNT),
        Column("Coupon"),
        Column("MRR", unit),
    )
    lines = [
        (
            each.plan or "no plan",
            each.on,
            each.get_state_display(),
            each.basis,
            each.price,
            each.interval.replace("_", " "),
            each.quantity,
            each.coupon_words or "none",
            each.amount,
        )
        for each in rows
    ]
    tables = [Table("terms", "What is agreed", columns, lines)]
    if ahead := customers.scheduled_of(shown.pk, MAX_ROWS):
        titles = (*map(Column, ("Plan now", "On")), Column("Scheduled", prose=True))
        rows_ahead = [(each.subscription.plan or "no plan", each.on, each.words) for each in ahead]
        tables.append(Table("scheduled", "Scheduled", titles, rows_ahead))
    return BlockContent(tables=tables)


def recurring(shown: ShownCustomer) -> BlockContent | None:
    """MRR at the end of each of the last months, and the movements behind it."""
    rows = mrr.movements_of(shown.keys)
    if not rows:
        return None
    today = periods.today_in(shown.time_zone, shown.now)
    unit = money(shown.currency)
    columns = (Column("Movement"), Column("On"), Column("Amount", unit, signs=True), Column("Why"))
    newest = sorted(rows, key=lambda each: (each.on, each.pk), reverse=True)[:MAX_ROWS]
    lines = [(each.kind, each.on, each.signed_amount, each.cause) for each in newest]
    levels = month_ends(rows, today)
    return BlockContent(
        [("MRR now", full(levels[-1][1], unit))],
        mrr_chart(levels, shown.currency),
        [Table("movements", "Movements", columns, lines)],
    )


def month_ends(rows: Sequence[mrr.CustomerMovement], today: date) -> list[tuple[date, Decimal]]:
    """The MRR at the end of each of the last MONTHS months, of the current one today."""
    months = [*periods.complete_months(today, MONTHS - 1), periods.billing_month(today)]
    days = [min(each.end - timedelta(days=1), today) for each in months]
    return [
        (day, sum((each.signed_amount for each in rows if each.on <= day), Decimal(0)))
        for day in sorted(days)
    ]


def mrr_chart(levels: Sequence[tuple[date, Decimal]], currency: str) -> PageChart:
    unit = money(currency, 0)
    days = [day for day, _ in levels]
    columns = (Column("Month"), Column("MRR", money(currency)))
    return page_chart(
        lambda caption, frame: line(
            days, [Series("MRR", [each for _, each in levels])], caption, unit, frame=frame
        ),
        Table("mrr", "MRR", columns, [(month_text(day), each) for day, each in levels]),
        says="MRR at the end of each month.",
    )


def invoices(shown: ShownCustomer) -> BlockContent | None:
    """Invoices, payments and the credit that is left; the preview of this month."""
    issued = billing.invoices_of(shown.keys, MAX_ROWS)
    paid = customers.payments_of(shown.pk, MAX_ROWS)
    credit = billing.balances([shown.pk]).get(shown.pk)
    unit = money(shown.currency)
    tables = []
    if issued:
        columns = (Column("Month"), Column("Issued at"), Column("Total", unit))
        lines = [(month_text(each.period_start), each.issued_at, each.total) for each in issued]
        paths = [bill_path(each.customer_id, each.period_start) for each in issued]
        tables.append(Table("invoices", "Invoices", columns, lines, paths))
    if paid:
        columns = (Column("Payment"), Column("On"), Column("Amount", unit))
        rows = [(each.get_kind_display(), each.paid_on, each.amount) for each in paid]
        tables.append(Table("payments", "Payments", columns, rows))
    facts = [("Credit left", full(credit, unit))] if credit else []
    links = [("This month's bill so far", bill_path(shown.pk))]
    return BlockContent(facts, None, tables, links)


def people(shown: ShownCustomer) -> BlockContent | None:
    """The people at the customer, what they agreed to, and the last mail to each."""
    rows = customers.contact_lines(shown.keys)
    if not rows:
        return None
    columns = (
        *map(Column, ("Name", "E-mail", "Role", "Offers and news")),
        Column("Last mail", prose=True),
    )
    lines = [
        (
            each.contact.name,
            each.contact.email,
            each.contact.role if each.contact.is_active else f"{each.contact.role}, gets no mail",
            each.consent,
            each.mail,
        )
        for each in rows
    ]
    paths = [reverse("admin:revenue_contact_change", args=[each.contact.pk]) for each in rows]
    return BlockContent(tables=[Table("contacts", "Contacts", columns, lines, paths)])


def bill_path(pk: int, month: date | None = None) -> str:
    path = reverse("revenue-bill", args=[pk])
    return f"{path}?month={month.isoformat()}" if month else path


BLOCKS = (
    CustomerBlock("people", "Contacts", 5, people, "revenue.view_contact"),
    CustomerBlock("terms", "Subscriptions", 10, terms),
    CustomerBlock("recurring", "Recurring revenue", 20, recurring),
    CustomerBlock("billing", "Invoices and payments", 30, invoices),
)


def register() -> None:
    customer_blocks.register_all(BLOCKS)
