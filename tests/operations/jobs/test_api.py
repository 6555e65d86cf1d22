"""The API of jobs: polling, cancelling, and who may."""

import pytest
from django.contrib.auth.models import Permission

from operations.jobs import api, services
from operations.jobs.models import Job
from security.access.models import User
from security.apikeys import services as keys
from tests.callers import Caller
from tests.operations.conftest import NOON
from tests.operations.jobs.conftest import SEEN_WITH

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/operational/jobs"


@pytest.fixture
def caller_with():
    def make(*scopes):
        return Caller(keys.create("jobs", list(scopes)).plaintext)

    return make


def test_a_job_is_polled_until_its_result_is_there(start, caller_with):
    caller, job = caller_with("optimization:read"), start(a=1)
    before = caller.get(f"{JOBS}/{job.pk}")
    assert (before.status_code, before["Retry-After"]) == (200, "2")
    assert before.json()["data"]["status"] == "queued"
    services.run_next()
    after = caller.get(f"{JOBS}/{job.pk}")
    assert after.json()["data"]["result"] == {"seen": {"a": 1}}
    assert after.json()["data"]["progress"]["percent"] == 100.0
    assert "Retry-After" not in after


def test_an_error_is_one_line(start, kind, caller_with):
    kind(lambda context: context.input["absent"])
    job = start()
    services.run_next()
    found = caller_with("optimization:read").get(f"{JOBS}/{job.pk}").json()["data"]
    assert (found["status"], found["error"]) == ("failed", "KeyError: 'absent'")


@pytest.mark.parametrize(
    ("scope", "status"),
    [("optimization:read", 200), ("operational:read", 403), ("revenue:read", 403)],
)
def test_a_job_needs_the_scope_of_its_area(start, caller_with, scope, status):
    assert caller_with(scope).get(f"{JOBS}/{start().pk}").status_code == status


def test_the_key_that_started_a_job_may_poll_it(start):
    made = keys.create("writer", ["optimization:write"])
    job = start(caller=f"key:{made.key.pk}")
    assert Caller(made.plaintext).get(f"{JOBS}/{job.pk}").status_code == 200
    assert Caller(made.plaintext).send(f"{JOBS}/{job.pk}/cancel").status_code == 200
    assert Caller(made.plaintext).get(f"{JOBS}/{start().pk}").status_code == 403


def test_the_list_has_no_results_and_only_areas_that_the_key_may_read(start, caller_with):
    start()
    assert caller_with("operational:read").get(JOBS).json()["data"]["jobs"] == []
    both = caller_with("operational:read", "optimization:read").get(JOBS).json()["data"]["jobs"]
    assert [("result" in each, each["kind"]) for each in both] == [(False, "try")]


def test_a_member_of_staff_sees_the_kinds_that_the_role_may_see(start, admin_client, client):
    job = start(a=1)
    services.run_next()
    assert len(admin_client.get(JOBS).json()["data"]["jobs"]) == 1
    person = User.objects.create_user("nora", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_job", "operate"]))
    client.force_login(person)
    assert client.get(JOBS).json()["data"]["jobs"] == []
    assert client.get(f"{JOBS}/{job.pk}").status_code == 404
    assert client.post(f"{JOBS}/{job.pk}/cancel").status_code == 404
    app, _, codename = SEEN_WITH.partition(".")
    seen = Permission.objects.get(content_type__app_label=app, codename=codename)
    person.user_permissions.add(seen)
    assert client.get(f"{JOBS}/{job.pk}").json()["data"]["result"] == {"seen": {"a": 1}}
    assert len(client.get(JOBS).json()["data"]["jobs"]) == 1


def test_a_job_is_cancelled_once_and_for_good(start, caller_with):
    caller, job = caller_with("optimization:write"), start()
    assert caller.send(f"{JOBS}/{job.pk}/cancel").json()["data"]["status"] == "cancelled"
    assert caller.send(f"{JOBS}/{job.pk}/cancel").status_code == 200
    other = start()
    services.run_next()
    answer = caller.send(f"{JOBS}/{other.pk}/cancel")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "conflict")


@pytest.mark.parametrize("job_id", ["999", "0", "9" * 18])
def test_an_unknown_job_is_404(caller_with, job_id):
    assert caller_with("all").get(f"{JOBS}/{job_id}").status_code == 404


@pytest.mark.parametrize("job_id", ["x", "-1", "9" * 60, "1.5", "%00"])
def test_an_odd_id_is_no_server_error(caller_with, job_id):
    assert caller_with("all").get(f"{JOBS}/{job_id}").status_code in {400, 404}


def test_strangers_are_turned_away_and_unknown_names_are_refused(start, client, caller_with):
    assert client.get(f"{JOBS}/{start().pk}").status_code == 401
    assert client.get(JOBS).status_code == 401
    answer = caller_with("all").send(f"{JOBS}/{start().pk}/cancel", {"forced": True})
    assert answer.status_code == 400
    assert Job.objects.filter(state="cancelled").count() == 0


def test_what_prefers_an_asynchronous_answer(rf):
    def prefers(text):
        return api.prefers_async(rf.get("/", headers={"Prefer": text} if text else {}))

    assert prefers("respond-async")
    assert prefers("wait=10, Respond-Async; x=1")
    assert not prefers("")
    assert not prefers("return=minimal")


def test_above_the_limit_of_open_jobs_it_is_429(start, rf, kind):
    for _ in range(5):
        start(caller="", now=NOON)
    request = rf.post("/")
    request.auth = request.user = None
    with pytest.raises(api.JobLimit) as refused:
        api.accept(request, "try", {})
    assert (refused.value.status_code, refused.value.wait) == (429, 5)
