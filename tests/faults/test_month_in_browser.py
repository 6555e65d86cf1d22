"""A month of the demo company under `make run`, in Chromium: import, plan, approve, bill, credit.

Every figure on the way is compared with the next page's, and at the end with the forecast that was
approved. Prints them.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests import rig
from tests.browser import browsing, programs
from tests.faults.test_check_in_browser import ONLY_BUTTON, PATH, TEXT, Person, until

FOUND = programs()
pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
]
DEMO_SECONDS = 900.0  # to load the demo company on a busy machine
SPEND = "date,channel,spend,revenue\n2024-01-01,Paid search,1210.40,5000\n"
SPEND += "2024-01-08,Paid search,980.15,\n2024-01-01,Radio,310,600\n"
SPENT = "$2,500.55"
UPLOAD = """
const given = new DataTransfer();
given.items.add(new File([arguments[1]], 'spend.csv', {type: 'text/csv'}));
const input = document.querySelector('input[type=file]');
input.files = given.files;
input.form.querySelector('[name=kind]').value = arguments[0];
input.form.requestSubmit();
"""
PRESS = "document.querySelector(arguments[0]).click()"
LINKS = "return [...document.querySelectorAll(arguments[0])].map(each => each.getAttribute('href'))"
FETCH = "const done = arguments[1]; fetch(arguments[0]).then(one => one.text()).then(done)"


class Walker(Person):
    """Presses what the pages show."""

    def press(self, selector: str) -> str:
        """Press it, and read the page that follows."""
        self.window.run("document.body.dataset.before = 'yes'")
        self.window.run(PRESS, selector)
        gone = "return document.body && document.body.dataset.before === undefined"
        until(lambda: self.window.run(gone), f"{selector}: no page followed")
        return str(self.window.run(TEXT))

    def here(self) -> str:
        return str(self.window.run(PATH))

    def links(self, selector: str) -> list[str]:
        return list(self.window.run(LINKS, selector))

    def csv(self, path: str) -> list[list[str]]:
        """The rows of an export without quotes in it."""
        text = str(self.window.run_async(FETCH, path))
        return [line.split(",") for line in text.splitlines()]


def one_line(text: str) -> str:
    return " ".join(text.split())


def amount(words: str, text: str) -> Decimal:
    """The amount of dollars that follows some words."""
    found = re.search(rf"{words}\s*\$([\d,]+(?:\.\d+)?)", text)
    assert found, f"{words} in {text[:2000]}"
    return Decimal(found[1].replace(",", ""))


def test_a_month_of_the_demo_company(tmp_path):
    assert FOUND is not None
    stack = rig.start(tmp_path / "data", DEMO="1")
    try:
        stack.wait_until_ready(DEMO_SECONDS)
        with browsing(FOUND) as window:
            walk(Walker(window, stack))
    finally:
        stack.end()


def walk(person: Walker) -> None:
    imported(person)
    plan, lift = approved(person)
    invoices, total = billed(person)
    credited(person)
    gain = forecast(person, plan, lift)
    said = f"{plan} a week approved, lift {lift}; {invoices} invoices, ${total:,}"
    print(f"{said}; an offer of {gain} a month")  # noqa: T201 - its figures


def imported(person: Walker) -> None:
    """A file is shown, stored by the worker, and undone with one button."""
    person.open("/dashboards/imports")
    person.window.run(UPLOAD, "budget-performance", SPEND)
    until(lambda: re.search(r"/imports/\d+$", person.here()), "uploaded")
    page = person.here()
    shown = one_line(person.open(page))
    assert f"In all {SPENT} of spend" in shown
    assert "revenue is blank in 1 row" in shown
    assert "New channel “Radio”" in shown
    person.press("button[name=store]")
    until(lambda: "What was stored" in person.open(page), "stored")
    assert f"In all {SPENT} of spend" in one_line(person.open(page))
    person.open(page)
    asked = one_line(person.press("button[name=undo]"))
    assert "3 records of spend no longer in force" in asked
    assert "Inactive where nothing else uses them: Radio." in asked
    person.press("button[name=undo]")
    assert "Undone" in person.open(page)


def approved(person: Walker) -> tuple[str, str]:
    """The plan that waits is approved where it is explained; the budget page says the same."""
    person.open("/dashboards/budget")
    path = person.links("a[href^='/dashboards/decisions/']")[0]
    shown = one_line(person.open(path))
    promised = re.search(r"[+\u2212]\d+\.\d%", shown)
    person.press("a[data-key=a]")
    after = one_line(person.press(".confirm-form button[type=submit]"))
    assert re.search(r"(Applied|Approved) · proposed", after), after[:500]
    budget = one_line(person.open("/dashboards/budget"))
    weekly = amount("The marketing budget in USD is now", budget)
    assert f"${weekly:,.2f}" in shown or f"${weekly:,.0f}" in shown, (weekly, shown[:1500])
    assert promised, shown[:800]
    assert promised[0] in budget, (promised[0], budget[:1500])
    return f"${weekly:,.2f}", promised[0]


def billed(person: Walker) -> tuple[int, Decimal]:
    """The last whole month: previewed, issued by the worker, and exported; three equal sums."""
    today = datetime.now(UTC).date()
    month = today.replace(day=1)
    month = month.replace(year=month.year - (month.month == 1), month=(month.month - 2) % 12 + 1)
    person.send(
        "/admin/revenue/invoicerun/issue/", {"month": str(month), "currency": "USD"}, ONLY_BUTTON
    )
    run = person.here()
    until(lambda: re.search(r"\d+ invoices, \$", person.open(run)), "previewed")
    shown = one_line(person.open(run))
    count = int(re.search(r"([\d,]+) invoices, \$", shown)[1].replace(",", ""))  # type: ignore[index]
    total = amount(rf"{count} invoices,", shown)
    issue = next(each for each in person.links("a[href*='/invoicerun/']") if "issue/" in each)
    person.send(issue, {"hold_without_use": False}, ONLY_BUTTON)
    until(lambda: f"{count}" in issued_text(person, run), "issued")
    person.open("/admin/revenue/invoice/")
    rows = person.csv(person.links("a[href*='export-csv']")[0])
    place = rows[0].index("total")
    mine = [row for row in rows[1:] if str(month) in row]
    assert (len(mine), sum(Decimal(row[place]) for row in mine)) == (count, total)
    customer, due = mine[0][rows[0].index("customer")], Decimal(mine[0][place])
    assert f"${due:,.2f}" in one_line(person.open(f"/dashboards/customers/{customer}"))
    bill = next(each for each in person.links("a[href*='/bills/']") if str(month) in each)
    assert f"${due:,.2f}" in one_line(person.open(bill))
    return count, total


def issued_text(person: Walker, run: str) -> str:
    """What the run says of issued invoices."""
    text = one_line(person.open(run))
    return text[text.index("Issued") :] if "shown once all are issued" not in text else ""


def credited(person: Walker) -> None:
    """Part of an invoice is taken back, and the invoice's page says what is left."""
    person.open("/admin/revenue/invoice/")
    path = person.links("a[href*='/invoice/'][href*='/change/']")[0]
    person.open(path)
    note = next(each for each in person.links("a[href*='/invoice/']") if "credit-note" in each)
    before = amount("Left to credit:", one_line(person.open(note)))
    person.send(note, {"amount": "1.00", "reason": "Outage"}, ONLY_BUTTON)
    after = amount("Left to credit:", one_line(person.open(note)))
    assert after == before - 1
    assert "Outage" in person.open("/admin/revenue/creditnote/")


def forecast(person: Walker, plan: str, lift: str) -> str:
    """What was approved is what is in force and promised; an offer's gain is one on every page."""
    budget = one_line(person.open("/dashboards/budget"))
    assert plan in budget
    assert lift in budget
    shown = one_line(person.open("/dashboards/upsell"))
    page = person.links("main a[href^='/dashboards/upsell/']")[0]
    gain = re.search(r": (\+\$[\d,.]+) a month", one_line(person.open(page)))
    assert gain
    assert gain[1] in shown
    return gain[1]
