"""Staff's work on usage, onboarding and service levels, by the buttons of a running platform.

A backfill is previewed, applied and reverted; a holiday is added later, and its decision moves the
running clocks; a flow is moved to a new version of its template; a contact's link is revoked.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import rig, template
from tests.browser import Browser
from tests.faults.crew import wait_for
from tests.faults.test_keys_in_browser import FILL, Desk, ask
from tests.faults.test_newcomer import HELD, keep, press, read
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
ADMIN, API = "/admin/enterprise", "/api/v1/enterprise"
ADD_ANOTHER = """
const add = [...document.querySelectorAll('a, button')].filter(each => /^\\s*(add\\s*)?Add another/
  .test(each.innerText));
add[add.length - 1].click();
return document.querySelector('[name=days-TOTAL_FORMS]').value;
"""
LINKED = """
const found = [...document.querySelectorAll('#content *, main *')]
  .map(each => each.childElementCount ? '' : each.textContent.trim());
return found.find(each => each.includes('/onboarding/') && !each.includes(' ')) ?? '';
"""
TEMPLATE_HOURS = "training_schedule"


def test_the_work_of_enterprise_by_the_buttons(tmp_path: Path, window: Browser) -> None:
    folder = tmp_path / "data"
    template.migrated_folder(folder)
    with rig.running(folder) as stack:
        window.resize(1280, 900)
        desk = Desk(window, stack)
        desk.sign_in(stack.password)
        backfilled(desk, stack)
        flow = onboarded(stack)
        holiday(desk, stack, flow)
        moved(desk, stack, flow)
        revoked(desk)
    report(fault="enterprise by the buttons", steps=4, verdict="ok")


def data(stack: rig.Stack, path: str, body: object = None) -> dict[str, Any]:
    status, found = ask(f"{stack.url}{API}{path}", stack.api_key, body)
    assert status in {200, 201}, found
    return found


def open_row(desk: Desk, model: str, words: str, number: int = 1) -> str:
    return desk.open(f"{ADMIN}/{model}/{number}/change/", words)


def approved(desk: Desk) -> None:
    """The decision on whose page the browser is."""
    press(desk.window, "Approve", "Back without changes")
    press(desk.window, "Approve", "Approved")


def backfilled(desk: Desk, stack: rig.Stack) -> None:
    at = (datetime.now(UTC) - timedelta(days=50)).isoformat()
    events = [
        {
            "event_id": f"old-{n}",
            "client_id": "acme",
            "metric": "calls",
            "quantity": n,
            "timestamp": at,
        }
        for n in (3, 4)
    ]
    first = {**events[0], "event_id": "now", "timestamp": datetime.now(UTC).isoformat()}
    data(stack, "/usage/track", {"events": [first]})
    desk.open(f"{ADMIN}/usagebackfill/", "Preview a backfill")
    press(desk.window, "Preview a backfill", "What would it change?")
    desk.window.run(FILL, {"events": json.dumps({"events": events}), "mode": "add"})
    shown = press(desk.window, "Preview", "is previewed; nothing is stored yet")
    assert "2 events accepted" in shown
    assert used(stack) == 3
    keep(desk.window, "backfill previewed")
    press(desk.window, "Apply", "It can be reverted")
    press(desk.window, "Apply", "is applied")
    assert used(stack) == 10
    press(desk.window, "Revert", "This is done once")
    press(desk.window, "Revert", "is reverted")
    assert used(stack) == 3
    keep(desk.window, "backfill reverted")


def used(stack: rig.Stack) -> float:
    found = data(stack, "/usage/acme/report?period_days=90")["report"]
    return float(found["usage_summary"]["calls"]["total"])


def onboarded(stack: rig.Stack) -> str:
    """A flow whose automated steps the worker has done."""
    company = {
        "company_name": "Lumen Freight",
        "employee_count": 500,
        "contact_email": "ops@lumen.example",
    }
    made = data(stack, "/onboarding/create", company)["flow"]
    flow = f"/onboarding/{made['onboarding_id']}"
    wait_for(lambda: data(stack, f"{flow}/status")["status"]["completed_steps"] == 4, 120)
    return flow


def due_times(stack: rig.Stack, flow: str) -> dict[str, str]:
    """When the running clocks of the flow's steps are used up."""
    clocks = data(stack, f"{flow}/report")["report"]["sla"]["clocks"]
    return {
        each["title"]: each["due_at"]
        for each in clocks
        if each["kind"] == "step" and each["due_at"]
    }


def holiday(desk: Desk, stack: rig.Stack, flow: str) -> None:
    """The day on which a step's clock ends becomes a holiday; its clock moves by a decision."""
    before = due_times(stack, flow)
    day = min(before.values())[:10]
    desk.open(f"{ADMIN}/businesscalendar/?q=business_hours", "business_hours")
    number = desk.window.run("return document.querySelector('[name=_selected_action]').value")
    open_row(desk, "businesscalendar", "Draft a new version", number)
    press(desk.window, "Draft a new version", "Copy the newest version")
    press(desk.window, "Draft a new version", "Move running clocks")
    version = desk.window.run("return location.pathname")
    assert desk.window.run(ADD_ANOTHER) == "1"
    desk.window.run(FILL, {"days-0-day": day, "days-0-name": "Founders' day"})
    press(desk.window, "Save", "changed successfully")
    desk.open(version, "Move running clocks")
    press(desk.window, "Publish", "It cannot be changed afterwards")
    press(desk.window, "Publish", "Published:")
    assert due_times(stack, flow) == before  # until a decision moves them
    press(desk.window, "Move running clocks", "nothing moves before it is approved")
    press(desk.window, "Preview", "Approve")
    keep(desk.window, "clocks to move")
    assert due_times(stack, flow) == before
    approved(desk)
    after = due_times(stack, flow)
    assert after.keys() == before.keys()
    assert all(after[each][:10] > day for each in after if before[each][:10] == day)
    assert "older calendar" not in desk.open("/dashboards/sla", "Clocks")


def moved(desk: Desk, stack: rig.Stack, flow: str) -> None:
    """A version with other hours of a step that waits; the flow's step gets them."""
    desk.open(f"{ADMIN}/onboardingtemplate/", "Standard")
    open_row(desk, "onboardingtemplate", "Draft a new version")
    press(desk.window, "Draft a new version", "Copy the newest version")
    press(desk.window, "Draft a new version", "Publish")
    version = desk.window.run("return location.pathname")
    desk.window.run(
        """
        const rows = [...document.querySelectorAll('input[name$="-name"]')];
        const chosen = rows.find(each => each.value === arguments[0]);
        document.querySelector(`[name="${chosen.name.replace('-name', '-hours')}"]`).value = '7';
        """,
        TEMPLATE_HOURS,
    )
    press(desk.window, "Save", "changed successfully")
    desk.open(version, "Publish")
    press(desk.window, "Publish", "It cannot be changed afterwards")
    press(desk.window, "Publish", "is published")
    open_row(desk, "onboardingflow", "Move to another version")
    press(desk.window, "Move to another version", "nothing moves before it is approved")
    desk.window.run(
        "const field = document.querySelector('[name=version]');"
        "field.value = [...field.options].at(-1).value;"
    )
    press(desk.window, "Preview", "Approve")
    keep(desk.window, "flow to move")
    approved(desk)
    shown = desk.open("/dashboards/onboarding/1", "training schedule")
    assert "7.0" in shown, shown
    assert "moved" in shown
    assert data(stack, f"{flow}/status")["status"]["completed_steps"] == 4


def revoked(desk: Desk) -> None:
    """The link of a contact opens the customer's page, and after its end nothing."""
    open_row(desk, "onboardingcontact", "Revoke the link")
    link = str(desk.window.run(LINKED))
    assert link, desk.window.run(HELD)
    path = link[link.index("/onboarding/") :]
    assert "Onboarding of Lumen Freight" in desk.open(path, "Steps")
    open_row(desk, "onboardingcontact", "Revoke the link")
    press(desk.window, "Revoke the link", "End the link of")
    press(desk.window, "Revoke the link", "Revoke the link:")
    keep(desk.window, "link revoked")
    desk.window.visit(f"{desk.url}{path}")
    assert "Lumen Freight" not in read(desk.window, "not")
    open_row(desk, "onboardingcontact", "Revoke the link")
    link = str(desk.window.run(LINKED))
    assert "Onboarding of Lumen Freight" in desk.open(link[link.index("/onboarding/") :], "Steps")
