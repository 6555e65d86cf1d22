from datetime import timedelta

from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery
from operations.decisions import reports, services
from operations.decisions.decision_text import flatten
from operations.decisions.decision_types import decision_type_registry
from operations.decisions.models import Decision
from tests.operations.conftest import NOON
from tests.operations.decisions.conftest import draft

LATER = NOON + timedelta(days=8)


def waiting(now=NOON):
    """As a query of its own reads it."""
    return reports.overview(MetricQuery(Period(now.date(), now.date()), "USD", now))


def attention(now):
    return reports.attention_items(waiting(), now)


def test_nothing_decided_reports_nothing(db):
    assert waiting() == reports.DecisionOverview(0, [], [])
    assert reports.summaries_by_type() == []
    assert attention(NOON) == []


def test_what_waits_comes_oldest_first_without_what_is_only_observed(proposed):
    services.propose(draft(inputs_digest="1" * 64), mode="observe", now=NOON)
    newer = services.propose(draft(inputs_digest="2" * 64), mode="propose", now=LATER)
    assert [each.pk for each in waiting().oldest] == [proposed.pk, newer.pk]
    assert waiting().waiting == 2
    assert reports.recent(1)[0] == newer


def test_attention_says_how_many_wait_and_until_when(proposed):
    [one] = attention(NOON + timedelta(days=1))
    assert one.sentence == "Hall to 20 degrees waits for approval; the first expires in 13 days."
    assert one.link == f"/dashboards/decisions/{proposed.pk}"
    services.propose(draft(inputs_digest="2" * 64), mode="propose", now=NOON)
    [two] = attention(NOON + timedelta(days=20))
    assert two.link == "/dashboards/decisions"
    assert two.sentence == "2 decisions wait for approval; the first expires in 0 days."


def test_of_many_that_wait_the_oldest_are_shown_and_all_counted_in_one_query(
    proposed, django_assert_num_queries
):
    for number in range(1, 8):
        services.propose(draft(inputs_digest=str(number)), mode="propose", now=LATER)
    with django_assert_num_queries(1):
        found = waiting()
    assert (found.waiting, len(found.oldest)) == (8, reports.MAX_SHOWN)
    assert found.oldest[0].pk == proposed.pk


def test_the_promises_of_any_number_of_decisions_take_two_queries(
    applied, django_assert_num_queries
):
    for number in range(1, 6):
        services.propose(draft(inputs_digest=str(number)), mode="propose", now=NOON)
    with django_assert_num_queries(2):
        reports.summaries_by_type()


def test_promises_stand_beside_what_was_realised(applied, thermostat):
    services.measure_due(LATER)
    thermostat.put("18")
    services.propose(draft(inputs_digest="1" * 64), mode="auto", now=NOON)
    waiting = services.propose(draft(inputs_digest="2" * 64), mode="propose", now=NOON)
    services.reject(waiting.pk, actor="ada", now=NOON)
    [promise] = reports.summaries_by_type()
    assert (promise.kind, promise.title, promise.unit) == ("setting", "Setting", "points")
    assert (promise.proposed, promise.applied, promise.rejected) == (3, 2, 1)
    assert (promise.waiting, promise.rolled_back, promise.measured) == (0, 0, 1)
    assert (promise.expected, promise.realised) == (1.5, 1.5)
    assert promise.inside_percent == 100.0


def test_a_kind_without_measured_decisions_has_no_share_yet(applied):
    [promise] = reports.summaries_by_type()
    assert promise.inside_percent is None


def test_the_page_of_a_decision_is_its_kind_s(proposed, monkeypatch):
    assert reports.page(proposed) == ""
    Decision.objects.update(kind="forgotten")
    proposed.refresh_from_db()
    assert reports.page(proposed) == ""
    assert reports.summaries_by_type()[0].title == "forgotten"
    assert decision_type_registry.names() == ("setting",)


def test_nested_values_are_flattened_to_one_text_a_leaf():
    nested = {"shares": {"search": "10.00", "post": None}, "steps": [1, [2]]}
    assert flatten(nested) == {
        "shares.search": "10.00",
        "shares.post": "nothing",
        "steps[0]": "1",
        "steps[1][0]": "2",
    }


def test_what_waits_changed_was_measured_and_is_in_force_is_read_in_one_query(
    applied, django_assert_num_queries
):
    observed = services.propose(draft(inputs_digest="1" * 64), mode="observe", now=NOON)
    waits = services.propose(draft(inputs_digest="2" * 64), mode="propose", now=NOON)
    later = services.propose(draft(inputs_digest="3" * 64), mode="propose", now=NOON)
    Decision.objects.filter(pk=later.pk).update(postponed_until=NOON + timedelta(days=99))
    end = NOON + timedelta(days=60)
    query = MetricQuery(Period(NOON.date(), end.date()), "USD", end)

    def keys(rows):
        return [each.pk for each in rows]

    with django_assert_num_queries(1):
        found = reports.recent_decisions(query, NOON)
    assert keys(found.waiting) == [waits.pk]
    assert keys(found.changed) == keys(found.applied) == [applied.pk]
    assert found.measured == []
    assert observed.pk not in keys(found.all)
    assert reports.recent_decisions(query, NOON + timedelta(days=1)).changed == []
    services.measure_due(end)
    assert keys(reports.recent_decisions(query, NOON).measured) == [applied.pk]
    early = MetricQuery(Period(NOON.date(), NOON.date()), "USD", NOON)
    assert reports.recent_decisions(early, NOON).measured == []
