"""The alerts' page: what is wrong, what is over, and whether anybody hears of it."""

import csv
from datetime import timedelta

from django.utils import timezone

from aethercrown.metrics.period import days_to
from aethercrown.metrics.registry import MetricQuery
from dashboards.overview.views import overview_data
from operations.alerts import services
from operations.messaging.models import Destination

NOW = timezone.now()


def raised(subject="db", severity="critical"):
    return services.raise_alert("health", "down", subject, severity, "No answer.", now=NOW)


def rows(answer) -> list[list[str]]:
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def test_where_nothing_is_wrong_the_page_says_so(page):
    text = page.get("/dashboards/alerts").content.decode()
    assert "Nothing is wrong" in text
    assert "0 critical, 0 high" in text
    assert 'id="resolved-head"' not in text


def test_what_is_wrong_stands_above_what_is_over(page):
    services.acknowledge(raised("<b>web</b>", "high").pk, actor="ada", now=NOW)
    raised()
    raised("old", "warning")
    services.resolve("health", "down", "old", now=NOW + timedelta(minutes=1))
    text = page.get("/dashboards/alerts").content.decode()
    assert "1 critical, 1 high, 0 warnings" in text
    assert text.index("Down, db") < text.index("&lt;b&gt;web") < text.index("Down, old")
    header, first, second = rows(page.get("/dashboards/alerts?format=csv&table=open"))
    assert header[:2] == ["Alert", "Severity"]
    assert (first[1], second[1], second[-2:]) == ("critical", "high", ["ada", "health"])
    assert len(rows(page.get("/dashboards/alerts?format=csv&table=resolved"))) == 2


def test_the_page_says_when_no_mail_goes_out(page):
    Destination.objects.create(name="Ada", channel="email", address="ada@example.com")
    assert "No mail goes out" in page.get("/dashboards/alerts").content.decode()


def test_the_page_costs_few_queries(page, django_assert_num_queries):
    for number in range(5):
        raised(f"s{number}")
    with django_assert_num_queries(12):
        page.get("/dashboards/alerts")


def test_severe_alerts_are_on_the_overview(page):
    raised()
    assert "Down, db: No answer." in [
        each.sentence
        for each in overview_data(MetricQuery(days_to(NOW.date(), 30), "USD", NOW)).at_risk
    ]
