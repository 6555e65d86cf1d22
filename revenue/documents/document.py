"""What an invoice or a credit note says: number, tax and total; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from aethercrown.currencies import exponent
from revenue.pricing.decimals import rounded

NUMBER_DIGITS = 6


class DocumentState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    CREDIT = "credit"  # a credit note, or an invoice over nothing
    CREDITED = "credited"  # an invoice that credit notes took back whole before it was paid


class TaxedCustomer(StrEnum):
    """Which customers of a country a tax rate is for."""

    ALL = "all"
    WITH_TAX_ID = "with_tax_id"


class ApplicableRate(NamedTuple):
    """A tax rate as its row has it."""

    country: str
    customers: str
    effective_from: date
    title: str
    percent: Decimal
    note: str


class Party(NamedTuple):
    """The issuer or the customer, as printed."""

    name: str
    address: str
    country: str
    tax_id: str


class DocumentLine(NamedTuple):
    description: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """Everything that is printed; amounts add up to `gross`."""

    number: str
    title: str
    issued_on: date
    due_on: date | None
    period: str
    issuer: Party
    customer: Party
    payment_details: str
    currency: str
    lines: tuple[DocumentLine, ...]
    net: Decimal
    tax_title: str
    tax_percent: Decimal
    tax: Decimal
    tax_note: str
    gross: Decimal
    refers_to: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; amounts and days as text."""
        plain = asdict(self)
        for name in ("net", "tax_percent", "tax", "gross"):
            plain[name] = f"{plain[name]:f}"
        plain["issued_on"] = self.issued_on.isoformat()
        plain["due_on"] = self.due_on.isoformat() if self.due_on else None
        plain["issuer"], plain["customer"] = self.issuer._asdict(), self.customer._asdict()
        plain["lines"] = [[each.description, f"{each.amount:f}"] for each in self.lines]
        return plain


def content_from_json(row: Mapping[str, Any]) -> DocumentContent:
    """Read back what `as_json` wrote."""
    amounts = {name: Decimal(row[name]) for name in ("net", "tax_percent", "tax", "gross")}
    return DocumentContent(
        **{
            **row,
            **amounts,
            "issued_on": date.fromisoformat(row["issued_on"]),
            "due_on": date.fromisoformat(row["due_on"]) if row["due_on"] else None,
            "issuer": Party(**row["issuer"]),
            "customer": Party(**row["customer"]),
            "lines": tuple(DocumentLine(text, Decimal(amount)) for text, amount in row["lines"]),
        }
    )


def number_text(prefix: str, year: int, count: int) -> str:
    """Such as INV-2026-000001."""
    return f"{prefix}{'-' if prefix else ''}{year}-{count:0{NUMBER_DIGITS}d}"


def rate_for(
    rates: Iterable[ApplicableRate], country: str, *, has_tax_id: bool, on: date
) -> ApplicableRate | None:
    """The rate of a customer on a day; None where no row is for them.

    A row for the country comes before one for every other country, then one for customers with a
    tax number before one for all; of the same, the one that took effect last.
    """
    usable = [
        each
        for each in rates
        if each.effective_from <= on
        and each.country in {country, ""}
        and (has_tax_id or each.customers == TaxedCustomer.ALL)
    ]
    return max(
        usable,
        key=lambda each: (
            each.country != "",
            each.customers == TaxedCustomer.WITH_TAX_ID,
            each.effective_from,
        ),
        default=None,
    )


def tax_of(net: Decimal, percent: Decimal, currency: str) -> Decimal:
    """The tax on a net amount, rounded once; that of a negative amount is negative."""
    tax = rounded(abs(net) * percent / 100, exponent(currency))
    return -tax if net < 0 else tax


def tax_of_note(
    net: Decimal, earlier: Iterable[tuple[Decimal, Decimal]], percent: Decimal, currency: str
) -> Decimal:
    """The tax of a further credit note of an invoice; `earlier` are net and tax of those before.

    All notes together have the tax of their sum, so that they never credit more than was claimed.
    """
    nets, taxes = [], []
    for each_net, each_tax in earlier:
        nets.append(each_net)
        taxes.append(each_tax)
    whole = tax_of(sum(nets, net), percent, currency)
    return min(whole - sum(taxes, Decimal(0)), Decimal(0))


def due_day(issued_on: date, days: int) -> date:
    return issued_on + timedelta(days=days)


def retained_until(issued_on: date, years: int) -> date:
    """The last day of the legal term, which ends with a calendar year."""
    return date(issued_on.year + years, 12, 31)


def document_lines(lines: Sequence[tuple[str, Decimal]]) -> tuple[DocumentLine, ...]:
    """Without lines of nothing, which explain a price but are no claim."""
    return tuple(DocumentLine(text, amount) for text, amount in lines if amount)
