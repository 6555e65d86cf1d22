"""Staff change a schedule in the admin; a real beat and a real worker follow it, unasked.

The whole platform runs as it does for its owner: web, worker and beat over its own Valkey and
database, each a process of its own.
"""

import contextlib
import re
import sqlite3
import time
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests import rig, template

NAME = "marketing.optimize_budget"
OTHER = "operations.assign_tasks"  # runs on after the first has stopped
SECONDS = 60.0  # at most; a few are enough
FORM = {
    "when": "every 10 seconds",
    "zone": "UTC",
    "is_enabled": "on",
    "mode": "propose",
    "missed": "once",
    "largest_change_percent": "20",
    "applied_per_day": "100",
    "needs_sure_gain": "on",
    "data_age_hours": "48",
    "needs_no_critical_alert": "on",
}


class Browser:
    """Just enough of one: cookies, and the token that each form carries."""

    def __init__(self, url):
        self.url = url
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path):
        with self.opener.open(f"{self.url}{path}", timeout=30) as reply:
            return reply.read().decode()

    def post(self, path, form):
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path)))
        fields = {**form, "csrfmiddlewaretoken": token}
        with self.opener.open(f"{self.url}{path}", urlencode(fields).encode(), timeout=30) as reply:
            return reply.read().decode()


def rows(stack, query, *values):
    """Read the running platform's database."""
    with contextlib.closing(sqlite3.connect(stack.folder / "aethercrown.sqlite3")) as database:
        return database.execute(query, values).fetchall()


def runs(stack, name=NAME):
    """The planned times of an automation's ended runs, oldest first."""
    return rows(
        stack,
        "SELECT planned_for FROM operations_run JOIN operations_automation a"
        " ON a.id = automation_id WHERE a.name = ? AND trigger <> 'manual'"
        " AND state IN ('done', 'failed') ORDER BY planned_for",
        name,
    )


def sent_by_beat(stack):
    """How many messages beat itself says it sent for the automation."""
    query = "SELECT total_run_count FROM django_celery_beat_periodictask WHERE name = ?"
    return rows(stack, query, NAME)[0][0]


def page(stack, name):
    [(number,)] = rows(stack, "SELECT id FROM operations_automation WHERE name = ?", name)
    return f"/admin/operations/automation/{number}/change/"


def wait_for(condition):
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "It did not happen in time."
        time.sleep(0.1)


def test_a_schedule_changed_in_the_admin_is_followed_without_a_restart(tmp_path):
    template.migrated_folder(tmp_path / "data")
    with rig.running(tmp_path / "data") as stack:
        browser = Browser(stack.url)
        browser.post("/admin/login/", {"username": "admin", "password": stack.password})
        assert "at 03:00" in browser.get(page(stack, NAME))
        first = len(runs(stack))  # none, but where 03:00 has just passed

        assert "Next runs: " in browser.post(page(stack, NAME), FORM)
        wait_for(lambda: len(runs(stack)) >= first + 2)

        browser.post(page(stack, NAME), {**FORM, "when": "every 30 days"})
        wait_for(lambda: sent_by_beat(stack) > 0)  # beat stores its count when it reads anew
        before, others = runs(stack), len(runs(stack, OTHER))
        browser.post(page(stack, OTHER), FORM)
        wait_for(lambda: len(runs(stack, OTHER)) > others)  # beat and worker go on
        assert runs(stack) == before
        assert len(before) == len(set(before))
