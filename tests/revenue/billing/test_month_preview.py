"""What issuing a month would do, added up."""

from decimal import Decimal

from revenue.billing.month_preview import LISTED, MonthPreview, PastInvoice


def test_a_preview_counts_adds_and_lists_what_differs_most():
    found = MonthPreview()
    found.add(
        1, Decimal(100), {"calls": Decimal(5)}, PastInvoice(Decimal(90), {"calls": Decimal(4)})
    )
    found.add(2, Decimal(30), {}, PastInvoice(Decimal(80), {"calls": Decimal(4), "gb": Decimal(0)}))
    found.add(3, Decimal(20), {}, None)
    found.add(
        4, Decimal(7), {"gb": Decimal(0)}, PastInvoice(Decimal(7), {"gb": Decimal(2)})
    )  # known to be zero, not missing
    assert (found.invoices, found.total) == (4, Decimal(157))
    amounts = [(each.customer_id, each.before, int(each.amount)) for each in found.differences]
    assert amounts == [(2, Decimal(80), -50), (3, None, 20), (1, Decimal(90), 10)]
    assert found.without_use == [(2, ("calls",))]
    for key in range(5, 30):
        found.add(key, Decimal(key), {}, None)
    assert len(found.differences) == LISTED
    assert found.as_dict()["without_use_count"] == 1
