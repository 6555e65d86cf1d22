import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from operations.decisions import services
from operations.decisions.decision_text import figure, guardrail_text
from operations.decisions.decision_types import decision_type_registry
from operations.decisions.models import Decision
from tests.aethercrown.registries import isolated
from tests.operations.conftest import NOON
from tests.operations.decisions.conftest import draft
from tests.operations.people import messages_of, staff

LIST = "/admin/operations/decision/"


def page(decision):
    return f"{LIST}{decision.pk}/change/"


def button(decision, name):
    return reverse(f"admin:operations_decision_{name}", args=[decision.pk])


def offered(client, decision):
    shown = client.get(page(decision)).context["actions_detail"]
    return [each["title"] for each in shown]


def test_the_list_shows_what_each_promised(proposed, admin_client):
    shown = admin_client.get(LIST).content.decode()
    assert "+1.5 points (+0.5 points to +2.5 points)" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "not measured yet" in shown
    form = admin_client.get(page(proposed)).content.decode()
    assert "comfort: +1.5\N{NO-BREAK SPACE}points (90%: +0.5" in form


def test_the_page_shows_the_change_the_guardrails_and_who_decided(
    applied, admin_client, monkeypatch
):
    shown = admin_client.get(page(applied)).content.decode()
    assert "setting: 18 → <b>20</b>" in shown
    assert "passed: Largest change of a value: 11.1%, limit 20%" in shown
    assert "Cold hall." in shown
    assert "ada" in shown


def test_the_page_leaves_out_what_has_not_happened(proposed, admin_client):
    shown = admin_client.get(page(proposed)).content.decode()
    assert "Proposed at" in shown
    assert "Rolled back at" not in shown
    services.approve(proposed.pk, actor="ada", now=NOON)
    assert "Applied at" in admin_client.get(page(proposed)).content.decode()


def test_a_subject_with_a_page_is_linked_and_an_unknown_figure_said(thermostat, admin_client):
    hall = replace(decision_type_registry.get("setting"), name="seen", path="/rooms/{}".format)
    decision_type_registry.register(hall)
    made = services.propose(
        draft(kind="seen", before={}, after={}, change_percent=None), mode="propose", now=NOON
    )
    shown = admin_client.get(page(made)).content.decode()
    assert '<a href="/rooms/hall">hall</a>' in shown
    assert "failed: Largest change of a value: unknown, limit 20%" in shown
    assert "no change" in shown
    Decision.objects.update(guardrails=[])
    assert admin_client.get(page(made)).status_code == 200


def test_what_was_realised_stands_beside_the_promise(applied, admin_client):
    services.measure_due(NOON + timedelta(days=8))
    shown = admin_client.get(LIST).content.decode()
    assert re.search(r"\+1\.5\s*points[^<]*, inside what was expected", shown)


def test_only_the_steps_that_may_follow_are_offered(proposed, admin_client):
    assert offered(admin_client, proposed) == ["Approve", "Reject"]
    services.approve(proposed.pk, actor="ada", now=NOON)
    assert offered(admin_client, proposed) == ["Roll back"]
    services.roll_back(proposed.pk, actor="ada", now=NOON)
    assert offered(admin_client, proposed) == []


def test_what_cannot_be_undone_offers_no_undo(applied, admin_client):
    undo = f'action="{button(applied, "roll_back")}"'
    assert undo in admin_client.get(page(applied)).content.decode()
    kind = decision_type_registry.get("setting")
    with isolated(decision_type_registry, [replace(kind, may_undo=lambda _subject: False)]):
        assert undo not in admin_client.get(page(applied)).content.decode()
        assert offered(admin_client, applied) == []


def test_asking_changes_nothing_and_confirming_does(proposed, thermostat, admin_client):
    asked = admin_client.get(button(proposed, "approve"))
    assert "Approve “Hall to 20 degrees”?" in asked.content.decode()
    assert thermostat.setting == "18"
    reply = admin_client.post(button(proposed, "approve"), {"note": "Cold hall."}, follow=True)
    assert messages_of(reply) == ["Approved: Hall to 20 degrees."]
    proposed.refresh_from_db()
    assert (proposed.status, proposed.actor, proposed.note) == (
        "applied",
        "user:admin",
        "Cold hall.",
    )
    assert thermostat.setting == "20"
    assert LogEntry.objects.get().get_change_message() == "Approved. Cold hall."


def test_reject_and_roll_back_take_a_note_too(proposed, applied, thermostat, admin_client):
    admin_client.post(button(applied, "roll_back"), {"note": "Too warm."})
    applied.refresh_from_db()
    assert (applied.rolled_back_by, applied.rolled_back_note) == ("user:admin", "Too warm.")
    other = services.propose(draft(inputs_digest="1" * 64), mode="propose", now=NOON)
    admin_client.post(button(other, "reject"), {"note": ""})
    other.refresh_from_db()
    assert (other.status, other.actor) == ("rejected", "user:admin")


def test_a_note_has_its_limit(proposed, admin_client):
    reply = admin_client.post(button(proposed, "approve"), {"note": "x" * 2001})
    assert "at most 2000 characters" in reply.content.decode()
    proposed.refresh_from_db()
    assert proposed.status == "proposed"


def test_an_invalid_transition_is_reported(applied, admin_client):
    reply = admin_client.post(button(applied, "approve"), {"note": ""}, follow=True)
    assert messages_of(reply) == [
        "Hall to 20 degrees: Hall to 20 degrees is applied; it cannot become approved."
    ]


def test_several_are_approved_from_the_list_and_the_stale_one_is_reported(
    proposed, thermostat, admin_client
):
    other = services.propose(draft(inputs_digest="1" * 64), mode="propose", now=NOON)
    chosen = {"action": "approve_selected", "_selected_action": [proposed.pk, other.pk]}
    reply = admin_client.post(LIST, chosen, follow=True)
    assert messages_of(reply) == [
        "Approved: Hall to 20 degrees.",
        "Hall to 20 degrees: The setting is 20, not 18.",
    ]


@pytest.mark.parametrize(
    ("name", "status"), [("reject_selected", "rejected"), ("roll_back_selected", "proposed")]
)
def test_the_other_steps_stand_in_the_list_too(proposed, admin_client, name, status):
    admin_client.post(LIST, {"action": name, "_selected_action": [proposed.pk]})
    proposed.refresh_from_db()
    assert proposed.status == status


@pytest.mark.parametrize("name", ["approve", "reject", "roll_back"])
def test_deciding_needs_an_approver(proposed, client, name):
    staff(client, "operations.view_decision", "security.operate")
    assert client.get(page(proposed)).status_code == 200
    assert client.post(button(proposed, name), {"note": ""}).status_code == 403


def test_an_approver_decides_without_any_other_right(proposed, client):
    staff(client, "operations.view_decision", "security.approve_decisions")
    assert offered(client, proposed) == ["Approve", "Reject"]
    client.post(button(proposed, "approve"), {"note": ""})
    proposed.refresh_from_db()
    assert (proposed.status, proposed.actor) == ("applied", "user:eve")


def test_an_approver_who_may_not_see_decisions_takes_none(proposed, client):
    staff(client, "security.approve_decisions")
    assert client.post(button(proposed, "approve"), {"note": ""}).status_code == 403


def test_a_decision_is_neither_made_changed_nor_deleted_by_hand(proposed, admin_client):
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(page(proposed), {"status": "applied"}).status_code == 403
    assert admin_client.post(f"{LIST}{proposed.pk}/delete/").status_code == 403


def test_an_unknown_decision_is_not_found(admin_client):
    assert admin_client.post(f"{LIST}4711/approve/", {"note": ""}).status_code == 404
    assert admin_client.get(f"{LIST}4711/change/").status_code == 302


def test_a_stranger_is_sent_to_sign_in(proposed, client):
    assert client.post(button(proposed, "approve")).status_code == 302
    proposed.refresh_from_db()
    assert proposed.status == "proposed"


@pytest.mark.parametrize(
    ("value", "told"),
    [(-9.5e-06, "0"), (3300616.0, "3,300,616"), (2.50, "2.5"), (0.64, "0.64"),
     (-10.337, "\N{MINUS SIGN}10.34")],
)  # fmt: skip
def test_a_figure_is_written_as_a_person_writes_it(value, told):
    assert figure(value) == told


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("sure_gain", 0.0, 2.5, True), "passed: Low end of the expected effect: 2.5, limit 0"),
        (
            ("backtest", "healthy", "It missed.", False),
            "failed: Test of the method on past periods: It missed.",
        ),
        (("nothing_against", None, "", True), "passed: Reasons against it: none"),
    ],
)
def test_a_guardrail_is_shown_in_words(row, told):
    assert guardrail_text(dict(zip(("name", "limit", "value", "passed"), row, strict=True))) == told
