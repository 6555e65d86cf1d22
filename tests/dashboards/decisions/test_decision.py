"""One decision's page: what it changes, promises and brought; and deciding on one or several."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from operations.decisions import services
from operations.decisions.decision_types import (
    DecisionType,
    MeasuredEffect,
    decision_type_registry,
)
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from operations.decisions.models import Decision
from security.access.models import User
from security.access.roles import APPROVER, VIEWER
from tests.aethercrown.registries import isolated

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    """A type whose decisions change nothing; effects are what was expected."""
    with isolated(decision_type_registry):
        decision_type_registry.register(
            DecisionType(
                "setting",
                "Setting",
                lambda _case: None,
                lambda _case: None,
                lambda _case, _now: MeasuredEffect(1.5, 1.0, 2.0, {}, inside=True),
                currency=lambda _subject: "USD",
            )
        )
        yield


def proposal(number: int = 1, *, mode: str = "propose", **changed: object) -> Decision:
    fields = {
        "automation": "heating",
        "kind": "setting",
        "subject": "hall",
        "title": f"Hall to {number} degrees",
        "before": {"warmth": "18.50", "mode": "day"},
        "after": {"warmth": "20", "mode": "night", "fan": "2"},
        "inputs_digest": str(number),
        "method": "thermostat 1",
        "expected": ExpectedEffect("comfort", 1.5, 0.5, 2.5, 0.9, timedelta(days=7), "points"),
        "guardrails": (
            Guardrail("largest_change_percent", 20.0, 11.1, passed=True),
            Guardrail("data_age_hours", 48.0, 60.0, passed=False),
        ),
    }
    return services.propose(Draft(**{**fields, **changed}), mode=mode, now=NOW)  # type: ignore[arg-type]


@pytest.fixture
def approver(db: None) -> Client:
    person = User.objects.create_user("ada")
    person.groups.set(Group.objects.filter(name__in=[VIEWER, APPROVER]))
    client = Client()
    client.force_login(person)
    return client


def path(decision: Decision) -> str:
    return f"/dashboards/decisions/{decision.pk}"


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def said(answer) -> list[str]:
    return [str(each) for each in answer.context["messages"]]


def test_the_page_shows_changes_promise_and_guardrails_in_words(page):
    shown = text(page, path(proposal()))
    assert "Comfort: +1.5\N{NO-BREAK SPACE}points (90%: +0.5" in shown
    assert "Largest change of a value" in shown
    assert "60 hours, limit 48 hours" in shown
    assert "$18.50" in shown  # the picture's unit is that of the amounts
    assert "<td" in shown
    assert "?step=" not in shown  # a viewer decides nothing
    assert "This is the first decision of its type about this." in shown


def test_what_changes_no_number_has_a_table_and_no_picture(page):
    shown = text(page, path(proposal(before={"state": "open"}, after={"state": "offered"})))
    assert 'role="img"' not in shown
    assert "offered" in shown


def test_the_last_times_are_shown_with_their_outcome(approver, page):
    first = services.approve(proposal(1).pk, actor="sam", now=NOW)
    services.measure_due(NOW + timedelta(days=8))
    shown = text(page, path(proposal(2)))
    assert f'href="{path(first)}"' in shown
    assert "inside what was expected" in shown
    assert "Realised: <strong>+1.5" in text(page, path(first))


def test_an_approver_confirms_with_a_note_and_can_roll_back(approver):
    decision = proposal()
    asked = text(approver, f"{path(decision)}?step=approve")
    assert "Age of the data: 60 hours, limit 48 hours" in asked
    assert "18.5 \N{RIGHTWARDS ARROW} 20" in asked
    assert Decision.objects.get().status == "proposed"  # a GET changes nothing
    answer = approver.post(path(decision), {"step": "approve", "note": "Cold."}, follow=True)
    assert said(answer) == ["Approved: Hall to 1 degrees."]
    decision.refresh_from_db()
    assert (decision.status, decision.note) == ("applied", "Cold.")
    assert "?step=roll_back" in answer.content.decode()
    approver.post(path(decision), {"step": "roll_back"})
    decision.refresh_from_db()
    assert decision.status == "rolled_back"


def test_a_second_press_is_done_already_and_anothers_decision_is_said(approver):
    decision = proposal()
    for _ in range(2):
        answer = approver.post(path(decision), {"step": "approve"}, follow=True)
        assert said(answer) == ["Approved: Hall to 1 degrees."]
    answer = approver.post(path(decision), {"step": "reject"}, follow=True)
    assert "ada decided on it." in said(answer)[0]
    assert "not open" in approver.get(f"{path(decision)}?step=approve").content.decode()


@pytest.mark.parametrize("days", [1, 3, 7])
def test_a_postponed_proposal_does_not_wait_until_then(approver, days, time_machine):
    time_machine.move_to(NOW, tick=False)
    decision = proposal()
    approver.post(path(decision), {"step": f"later_{days}"})
    assert "Postponed until" in text(approver, path(decision))
    assert "Nothing waits." in text(approver, "/dashboards/decisions")
    time_machine.move_to(NOW + timedelta(days=days), tick=False)
    assert "Hall to 1 degrees" in text(approver, "/dashboards/decisions").partition("By type")[0]


def test_several_are_decided_at_once_after_one_question(approver):
    rows = [proposal(number) for number in (1, 2, 3)]
    chosen = "&".join(f"pk={each.pk}" for each in rows[:2])
    asked = text(approver, f"/dashboards/decisions/decide?step=approve&{chosen}")
    assert "Approve 2 decisions?" in asked
    assert "Hall to 1 degrees: Age of the data" in asked
    answer = approver.post(
        f"/dashboards/decisions/decide?{chosen}", {"step": "approve", "note": "All."}, follow=True
    )
    assert said(answer) == ["Approved: Hall to 1 degrees.", "Approved: Hall to 2 degrees."]
    states = Decision.objects.order_by("pk").values_list("status", flat=True)
    assert list(states) == ["applied", "applied", "proposed"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("step=approve", "Choose between 1 and 50 decisions."),
        ("step=approve&pk=x", "Choose between 1 and 50 decisions."),
        (f"step=reject&pk={10**30}", "Choose between 1 and 50 decisions."),
        ("step=approve&" + "pk=1&" * 51, "Choose between 1 and 50 decisions."),
        ("step=approve&pk=999", "There are no such decisions."),
        ("step=roll_back&pk=1", "Choose approve, reject or later."),
        ("pk=1", "Choose approve, reject or later."),
    ],
)
def test_a_choice_that_is_none_is_said(approver, query, message):
    answer = approver.get(f"/dashboards/decisions/decide?{query}")
    assert answer.status_code == 400
    assert message in answer.content.decode()


def test_the_question_about_several_is_for_approvers(page):
    shown = text(page, f"/dashboards/decisions/decide?step=approve&pk={proposal().pk}")
    assert "Only approvers decide" in shown
    answer = page.post("/dashboards/decisions/decide?pk=1", {"step": "approve"})
    assert answer.status_code == 403


def test_an_unknown_decision_is_a_404_and_an_unknown_step_is_said(approver, page):
    assert page.get("/dashboards/decisions/999").status_code == 404
    decision = proposal()
    answer = approver.post(path(decision), {"step": "burn"}, follow=True)
    assert said(answer) == ["Choose what to do with the decision."]
    assert page.post(path(decision), {"step": "approve"}).status_code == 403
    assert page.get(f"{path(decision)}?step=approve").status_code == 400


def test_what_was_only_observed_has_no_steps(approver):
    shown = text(approver, path(proposal(mode="observe")))
    assert "only observes" in shown
    assert "?step=" not in shown


def test_the_page_costs_few_queries(page, django_assert_max_num_queries):
    decision = proposal()
    with django_assert_max_num_queries(12):
        page.get(path(decision))
