"""The ledger's page: promises beside gains, and nothing where nothing was measured."""

import csv
from types import SimpleNamespace

from aethercrown.formatting import PERCENT, Unit
from dashboards.decisions import views
from tests.dashboards import company

MINUS = "\N{MINUS SIGN}"
LIFT = {"metric": "revenue", "estimate": 6.4, "low": -1.2, "high": 11.9, "unit": "%"}


def rows(answer) -> list[list[str]]:
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def test_an_empty_ledger_says_what_will_stand_there(page):
    text = page.get("/dashboards/decisions").content.decode()
    assert "Nothing has been decided yet" in text


def test_decisions_without_a_measured_one_have_no_chart(page):
    company.channels(weeks=20)
    company.waiting()
    text = page.get("/dashboards/decisions").content.decode()
    assert "No decision has been measured yet" in text
    assert rows(page.get("/dashboards/decisions?format=csv"))[1][7:9] == ["", ""]


def test_a_measured_decision_stands_beside_its_promise(page):
    company.channels()
    company.gone_well()
    text = page.get("/dashboards/decisions").content.decode()
    assert "Expected and realised" in text
    header, _ = rows(
        page.get("/dashboards/decisions?format=csv&table=realised-marketing.budget_plan")
    )
    assert header == ["Decision", "Proposed at", "Expected", "Realised"]
    assert len(rows(page.get("/dashboards/decisions?format=csv&table=newest"))) == 2
    assert "romise" not in text
    assert "Gained" not in text


def test_the_page_costs_few_queries(page, django_assert_num_queries):
    company.channels()
    company.gone_well()
    company.waiting()
    with django_assert_num_queries(10):
        page.get("/dashboards/decisions")


def test_only_gains_in_one_unit_share_a_chart():
    def row(unit: str):
        effect = {"value": 1.0, "low": 0.0, "high": 2.0}
        expected = {**LIFT, "unit": unit}
        return SimpleNamespace(
            pk=1, title="A", proposed_at=company.NOW, expected=expected, realised=effect
        )

    table = views.effect_chart("budget", [row("%"), row("days"), row("percent")]).table
    assert len(table.rows) == 2
    assert table.columns[2].unit == PERCENT
    assert views.effect_chart("budget", [row("days")]).table.columns[2].unit == Unit(
        "", "\N{NO-BREAK SPACE}days", 1, trims=True
    )


def test_the_overview_shows_a_viewer_no_links_into_the_admin(page):
    company.channels()
    company.waiting()
    text = page.get("/").content.decode()
    assert "Waiting for a decision" in text
    assert "/admin/" not in text
