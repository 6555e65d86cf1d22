"""Draw an invoice or a credit note as PDF; pure.

The same content gives the same bytes: nothing in the file depends on when it is drawn.
"""

from datetime import UTC, datetime, time
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from aethercrown.formatting import date_text, exact_text, money_text
from revenue.documents.document import DocumentContent, Party

MARGIN_MM, LINE_MM, AMOUNT_MM = 20, 5.5, 40
FONT = "Inter"


class InvoicePages(FPDF):
    """A4 pages with the document's number and the page's at the foot."""

    number = ""

    def footer(self) -> None:
        self.set_y(-MARGIN_MM)
        self.set_font(FONT, size=8)
        self.cell(0, LINE_MM, f"{self.number}, page {self.page_no()} of {{nb}}", align=Align.C)


def draw(content: DocumentContent, fonts: Path) -> bytes:
    """The PDF's bytes; `fonts` is the folder of Inter's regular and bold files."""
    pages = InvoicePages(format="A4")
    pages.number = content.number
    pages.add_font(FONT, "", fonts / "Inter-Regular.woff2")
    pages.add_font(FONT, "B", fonts / "Inter-Bold.woff2")
    pages.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
    pages.set_auto_page_break(auto=True, margin=MARGIN_MM + LINE_MM)
    pages.set_creation_date(datetime.combine(content.issued_on, time(), UTC))
    pages.set_title(f"{content.title} {content.number}")
    pages.set_author(content.issuer.name)
    pages.set_lang("en")
    pages.add_page()
    _head(pages, content)
    _lines(pages, content)
    _foot(pages, content)
    return bytes(pages.output())


def _text(pages: FPDF, words: str, *, bold: bool = False, size: int = 10) -> None:
    pages.set_font(FONT, "B" if bold else "", size)
    pages.multi_cell(0, LINE_MM, words, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _party(pages: FPDF, party: Party) -> None:
    _text(pages, party.name, bold=True)
    _text(pages, f"{party.address}\n{party.country}")
    if party.tax_id:
        _text(pages, f"Tax number {party.tax_id}")
    pages.ln(LINE_MM)


def _head(pages: FPDF, content: DocumentContent) -> None:
    _party(pages, content.issuer)
    _party(pages, content.customer)
    _text(pages, f"{content.title} {content.number}", bold=True, size=16)
    pages.ln(LINE_MM / 2)
    _text(pages, f"Issued on {date_text(content.issued_on)}, for {content.period}")
    if content.refers_to:
        _text(pages, f"It refers to invoice {content.refers_to}.")
    if content.due_on:
        _text(pages, f"Due on {date_text(content.due_on)}")
    pages.ln(LINE_MM)


def _row(pages: FPDF, words: str, amount: str, *, bold: bool = False) -> None:
    """A description, on as many lines as it needs, and its amount at the right."""
    pages.set_font(FONT, "B" if bold else "", 10)
    wide = pages.epw - AMOUNT_MM
    pages.multi_cell(wide, LINE_MM, words, align=Align.L, new_x=XPos.RIGHT, new_y=YPos.LAST)
    pages.cell(AMOUNT_MM, LINE_MM, amount, align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _lines(pages: FPDF, content: DocumentContent) -> None:
    for each in content.lines:
        _row(pages, each.description, money_text(each.amount, content.currency))
    pages.line(pages.l_margin, pages.y + 1, pages.w - pages.r_margin, pages.y + 1)
    pages.ln(3)


def _foot(pages: FPDF, content: DocumentContent) -> None:
    currency = content.currency
    percent = exact_text(content.tax_percent.normalize())
    _row(pages, "Net", money_text(content.net, currency))
    _row(pages, f"{content.tax_title} {percent}%", money_text(content.tax, currency))
    _row(pages, f"Total {currency}", money_text(content.gross, currency), bold=True)
    pages.ln(LINE_MM)
    for words in (content.tax_note, content.payment_details if content.due_on else ""):
        if words:
            _text(pages, words)
