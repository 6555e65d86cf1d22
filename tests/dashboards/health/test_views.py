"""The health page."""

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboards.health import views
from operations.health.models import Component
from operations.health.services import history, record
from operations.health.state_machine import HEALTHY, UNHEALTHY, Observation

GOOD = Observation(HEALTHY, response_ms=12.0)
BAD = Observation(UNHEALTHY, error_kind="refused", error="The connection was refused.")


def rows(answer) -> list[list[str]]:
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


@pytest.fixture
def shop(db) -> Component:
    made = Component.objects.create(name="shop", target="https://shop.example.com/?token=abc")
    began = timezone.now() - timedelta(hours=3)
    for place, seen in enumerate([GOOD, BAD, BAD, BAD, GOOD, GOOD]):
        record.record_all({made.pk: seen}, began + place * timedelta(minutes=20))
    history.roll_up_and_purge(timezone.now())
    return made


def test_before_the_first_round_the_page_says_so(page):
    text = page.get("/dashboards/health").content.decode()
    assert "Nothing has been checked yet" in text
    assert "The first checks run within a minute" in text
    assert "Every required component works" not in text
    assert "No full hour has been recorded yet" in text


def test_components_their_days_and_outages_are_shown(page, shop):
    text = page.get("/dashboards/health").content.decode()
    assert "Every required component works" in text
    assert "Downtime by day" in text
    assert "The connection was refused." in text
    assert "token=abc" not in text


def test_each_table_has_its_csv(page, shop):
    header, line = rows(page.get("/dashboards/health?format=csv&table=components"))
    assert header[:3] == ["Component", "Status", "Confirmed"]
    assert line[:3] == ["shop", "healthy", "up"]
    _, outage = rows(page.get("/dashboards/health?format=csv&table=outages"))
    assert outage[0] == "shop"
    assert float(outage[3]) == 60
    days = rows(page.get("/dashboards/health?format=csv&table=days"))
    assert len(days) == 31


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("unhealthy", "does not work"),
        ("degraded", "degraded or unknown"),
        ("unknown", "Nothing is known"),
        ("off", "Nothing is known"),
    ],
)
def test_the_overall_status_is_that_of_required_components(page, shop, status, words):
    Component.objects.filter(pk=shop.pk).update(status=status)
    assert words in page.get("/dashboards/health").content.decode()


def test_an_outage_under_way_is_still_down(page, shop):
    shop.incidents.update(ended_at=None)
    assert b"still down" in page.get("/dashboards/health").content


def test_a_day_names_the_lowest_and_has_none_where_nothing_is_known():
    today = timezone.now().date()
    days = [today - timedelta(days=1), today]
    table = views.downtime_chart(days, {"a": [None, 100.0], "b": [None, 50.0]}).table
    assert [tuple(row[1:]) for row in table.rows] == [(None, None, ""), (75.0, 50.0, "b")]


def test_strangers_are_sent_to_sign_in(client, db):
    assert client.get("/dashboards/health").status_code == 302


def test_the_chart_shows_the_time_down_and_its_table_availability():
    today = timezone.now().date()
    drawn = views.downtime_chart([today], {"a": [100.0], "b": [99.0]})
    assert "All components: 0.50%" in drawn.drawings[0]
    assert drawn.table.rows[0][1:] == (99.5, 99.0, "b")
    assert views.downtime(None) is None


def test_a_component_has_a_page_with_its_day_times_and_outages(page, shop):
    assert f'href="/dashboards/health/{shop.pk}"' in page.get("/dashboards/health").content.decode()
    path = f"/dashboards/health/{shop.pk}"
    text = page.get(path).content.decode()
    assert "Now: healthy" in text
    assert "Nothing is known to be wrong." in text
    assert "token=abc" not in text
    assert "Edit or check now" not in text  # for who may not open the admin
    header, *slots = rows(page.get(f"{path}?format=csv&table=heartbeat"))
    assert header == ["From", "Up"]
    known = [float(up) for _, up in slots if up]
    assert len(slots) == 90
    assert (min(known), max(known)) == (0, 100)
    _, *days = rows(page.get(f"{path}?format=csv&table=times"))
    assert [float(each) for each in next(day[1:] for day in days if day[1])] == [12, 12, 12]
    [_, outage] = rows(page.get(f"{path}?format=csv&table=outages"))
    assert outage[0] == "shop"


def test_what_is_wrong_now_stands_first(page, shop):
    now = timezone.now()
    parent = Component.objects.create(name="router", target="https://r.example.com/", state="down")
    Component.objects.filter(pk=shop.pk).update(
        status="unhealthy",
        error="It did not answer in time.",
        parent=parent,
        maintenance_until=now + timedelta(hours=1),
        is_enabled=False,
    )
    text = page.get(f"/dashboards/health/{shop.pk}").content.decode()
    assert "Now: unhealthy" in text
    for words in ("It did not answer in time.", "switched off", "in maintenance until", "router"):
        assert words in text
    assert page.get("/dashboards/health/999999").status_code == 404


def test_a_component_shows_its_certificate_and_its_next_maintenance(page, shop):
    now = timezone.now()
    dates = {"certificate_starts_at": now - timedelta(days=30)}
    for left, words in (
        (timedelta(days=9, hours=1), "9 days are left"),
        (-now.resolution, "it has expired"),
    ):
        Component.objects.update(
            **dates,
            certificate_ends_at=now + left,
            maintenance_times="at 02:00 on Sunday",
            maintenance_minutes=90,
        )
        text = page.get(f"/dashboards/health/{shop.pk}").content.decode()
        assert words in text
        assert "Its next maintenance begins" in text
        assert "lasts 1.5 hours" in text or "lasts 1 h 30 min" in text


def test_what_is_wrong_is_listed_first(page, shop):
    Component.objects.create(name="aaa", target="https://a.example.com/", status="healthy")
    Component.objects.filter(pk=shop.pk).update(status="unhealthy")
    _, first, second = rows(page.get("/dashboards/health?format=csv&table=components"))
    assert (first[0], second[0]) == ("shop", "aaa")
