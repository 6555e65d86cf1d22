"""Where four eyes are demanded, whoever proposed does not approve, by key or by name."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group

from aethercrown.history.attribution import acting
from enterprise.usage.services import BACKFILL
from marketing.budget.measurement.decision import KIND as BUDGET
from operations.decisions import reports, services
from operations.decisions.decision_types import approval_kind_registry, decision_type_registry
from operations.decisions.models import Decision, FourEyesRule
from operations.jobs import services as jobs
from revenue.pricing import services as pricing
from security.apikeys import services as keys
from security.rotation import services as rotations
from security.rotation.models import ManagedSecret
from security.rotation.services.decisions import DECISION_TYPE as ROTATION
from tests.callers import Caller

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HISTORY = [
    {"channel": name, "date": f"2026-10-{day:02d}", "spend": 100 + day, "revenue": 300 + 7 * day}
    for day in range(1, 29)
    for name in ("search", "social")
]
OPTIMIZE = "/api/v1/optimization/budget/optimize"
BACKFILLS = "/api/v1/enterprise/usage/backfills"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_superuser("ada")


def demand(kind):
    FourEyesRule.objects.create(kind=kind, is_on=True)


def waiting(kind="budget", proposer=""):
    return Decision.objects.create(
        automation="a", kind=kind, subject="s", title="t", mode="propose", before={}, after={},
        inputs_digest="d", method="m", expected={}, proposed_at=NOW, proposed_by=proposer,
    )  # fmt: skip


def test_without_a_rule_one_person_does_both():
    services.check_four_eyes("budget", ["user:ada"], "user:ada")
    FourEyesRule.objects.create(kind="budget", is_on=False)
    services.check_four_eyes("budget", ["user:ada"], "user:ada")


def test_who_proposed_is_refused_and_nothing_changes():
    demand("budget")
    row = waiting(proposer="user:ada")
    with pytest.raises(services.SamePerson, match="ada proposed this"):
        services.approve(row.pk, actor="user:ada", now=NOW)
    row.refresh_from_db()
    assert row.status == "proposed"
    services.check_four_eyes("budget", ["user:ada"], "user:bob")
    services.check_four_eyes("prices", ["user:ada"], "user:ada")
    services.check_four_eyes("budget", ["automation:nightly"], "user:ada")


def test_it_holds_for_every_kind_of_decision():
    """Whatever is registered: each is approved by the one service, or by its own with the check."""
    row = waiting(proposer="user:ada")
    for each in decision_type_registry:
        demand(each.name)
        if each.is_recorded:
            services.check_four_eyes(each.name, ["user:ada"], "user:ada")
            continue
        Decision.objects.update(kind=each.name)
        with pytest.raises(services.SamePerson):
            services.approve(row.pk, actor="user:ada", now=NOW)
    assert {BUDGET, ROTATION} < {each.name for each in decision_type_registry}
    assert [each.name for each in approval_kind_registry] == [pricing.PUBLICATION.name]


def test_a_key_counts_as_the_person_who_made_it(ada):
    demand("budget")
    key = keys.create("crm", ["all", "decisions:approve"], ada).key
    own = f"key:{key.pk} crm"
    for pair in ((own, "user:ada"), ("user:ada", own), (own, own)):
        with pytest.raises(services.SamePerson):
            services.check_four_eyes("budget", [pair[0]], pair[1])
    nobodys = keys.create("crm", ["all", "decisions:approve"]).key
    services.check_four_eyes("budget", ["user:ada"], f"key:{nobodys.pk} crm")


def test_no_call_lets_a_key_approve_without_the_scope(ada, django_user_model):
    """The service looks at the key, whatever call it came by: several apply decisions."""
    bob = django_user_model.objects.create_superuser("bob")
    plain = keys.create("a", ["all"], bob).key
    approves = keys.create("b", ["all", "decisions:approve"], bob).key
    row = waiting(proposer="user:ada")
    for each in (kind for kind in decision_type_registry if not kind.is_recorded):
        demand(each.name)
        Decision.objects.update(kind=each.name)
        for actor in (f"key:{plain.pk} a", "key:999 gone", "key:metrics"):
            with pytest.raises(services.ScopeRequired, match="lacks the scope decisions:approve"):
                services.approve(row.pk, actor=actor, now=NOW)
        services.check_four_eyes(each.name, ["user:ada"], f"key:{approves.pk} b")
    bob.is_superuser = False
    bob.save()
    with pytest.raises(services.ScopeRequired):
        services.approve(row.pk, actor=f"key:{approves.pk} b", now=NOW)
    services.check_four_eyes("another kind", ["user:ada"], f"key:{plain.pk} a")


def test_a_key_without_the_scope_applies_no_backfill_of_another(ada, django_user_model):
    bob = django_user_model.objects.create_superuser("bob")
    plain = Caller(keys.create("a", ["all"], bob).plaintext)
    own = Caller(keys.create("b", ["all", "decisions:approve"], ada).plaintext)
    demand(BACKFILL.name)
    event = {"event_id": "1", "client_id": "x", "metric": "m", "quantity": 1}
    body = {"events": [{**event, "timestamp": "2026-10-03T09:00:00Z"}]}
    made = own.send(BACKFILLS, body).json()["data"]["backfill"]
    path = f"{BACKFILLS}/{made['backfill_id']}/apply"
    refused = plain.send(path, {"digest": made["digest"]})
    assert refused.status_code == 409
    assert "lacks the scope decisions:approve" in refused.json()["message"]


def asked(caller):
    answer = caller.send(OPTIMIZE, {"total_budget": 1000, "historical_data": HISTORY})
    return f"/api/v1/optimization/budget/plans/{answer.json()['data']['plan_id']}/approve"


def test_a_key_approves_with_its_scope_alone_and_not_what_it_proposed(ada, django_user_model):
    bob = django_user_model.objects.create_superuser("bob")
    plain = Caller(keys.create("a", ["all"], bob).plaintext)
    other = Caller(keys.create("b", ["all", "decisions:approve"], bob).plaintext)
    own = Caller(keys.create("c", ["all", "decisions:approve"], ada).plaintext)
    demand(BUDGET)
    path = asked(own)
    assert Decision.objects.get().proposed_by.startswith("key:")
    assert plain.send(path).status_code == 403
    refused = own.send(path)
    assert refused.status_code == 409
    assert "ada proposed this" in refused.json()["message"]
    assert other.send(path).status_code == 200


@pytest.mark.parametrize("who", ["a key that no person made", "a person"])
def test_what_a_job_proposed_its_caller_does_not_approve(who, ada, client):
    demand(BUDGET)
    client.force_login(ada)
    caller = Caller(keys.create("d", ["all", "decisions:approve"]).plaintext)
    send = (
        partial(client.post, content_type="application/json") if who == "a person" else caller.send
    )
    body = {"total_budget": 1000, "historical_data": HISTORY}
    assert send(OPTIMIZE, body, headers={"Prefer": "respond-async"}).status_code == 202
    job = jobs.run_next()
    assert job is not None
    assert job.result is not None
    answer = send(f"/api/v1/optimization/budget/plans/{job.result['plan_id']}/approve", {})
    assert answer.status_code == 409
    assert "proposed this" in answer.json()["message"]


def test_without_the_rule_a_key_needs_no_further_scope(ada):
    caller = Caller(keys.create("a", ["all"], ada).plaintext)
    assert caller.send(asked(caller)).status_code == 200


def test_an_author_of_prices_does_not_publish_them():
    demand(pricing.PUBLICATION.name)
    with acting("user:ada"):
        version = pricing.draft("standard", effective_from=date(2027, 1, 1), now=NOW)
    with pytest.raises(services.SamePerson):
        pricing.publish(version.pk, actor="user:ada", now=NOW)
    assert pricing.publish(version.pk, actor="user:bob", now=NOW).state == "published"


def test_a_proposer_who_was_renamed_is_still_the_proposer(ada, django_user_model):
    demand("budget")
    key = keys.create("crm", ["all", "decisions:approve"], ada).key
    own = f"key:{key.pk} crm"
    ada.username = "grace"
    ada.save()
    for actor in ("user:grace", own):
        with pytest.raises(services.SamePerson):
            services.check_four_eyes("budget", ["user:ada"], actor)
    django_user_model.objects.create_user("ada")  # the name is free, and somebody else's now
    services.check_four_eyes("budget", ["user:grace"], "user:ada")
    services.check_four_eyes("budget", ["user:deleted"], "user:ada")


class TestRotations:
    """Where the rule is on, who starts a rotation proposes it, and somebody else approves."""

    PATH = "/api/v1/operational/security/keys"

    @pytest.fixture
    def key(self, request):
        demand(ROTATION)
        return rotations.register("shop", "secret").key

    def test_it_is_proposed_then_approved_by_another_and_then_done(self, key, client, ada):
        client.force_login(ada)
        send = partial(client.post, f"{self.PATH}/shop/rotate", {}, "application/json")
        for _ in range(2):  # once proposed, it waits
            answer = send()
            assert answer.status_code == 409
            assert "Somebody else approves it" in answer.json()["message"]
        decision = Decision.objects.get()
        assert (decision.kind, decision.proposed_by) == (ROTATION, "user:ada")
        with pytest.raises(services.SamePerson):
            services.approve(decision.pk, actor="user:ada", now=NOW)
        services.approve(decision.pk, actor="user:bob", now=NOW)
        assert rotations.resume_unfinished() == 0  # its value would reach nobody: a person does it
        assert send().status_code == 200
        decision.refresh_from_db()
        assert decision.status == "applied"
        assert "Somebody else approves it" in send().json()["message"]  # once for each approval

    @pytest.mark.parametrize("reason", ["manual", "scheduled"])
    def test_neither_a_key_nor_another_reason_goes_round_it(self, key, ada, reason):
        caller = Caller(keys.create("a", ["all"], ada).plaintext)
        assert caller.send(f"{self.PATH}/shop/rotate", {"reason": reason}).status_code == 409
        with pytest.raises(services.SamePerson):
            services.approve(Decision.objects.get().pk, actor="user:ada", now=NOW)

    def test_of_two_at_once_one_has_the_approval(self, key):
        with pytest.raises(rotations.ApprovalRequired):
            rotations.rotate("shop", actor="user:ada")
        services.approve(Decision.objects.get().pk, actor="user:bob", now=NOW)

        def overtake(point):
            if point == "rotation.before_claim":
                rotations.rotate("shop", actor="user:eve")

        with pytest.raises(rotations.ApprovalRequired):
            rotations.rotate("shop", actor="user:ada", end_previous=True, failpoint=overtake)
        assert ManagedSecret.objects.get().versions.count() == 2

    def test_a_compromised_key_waits_for_nobody(self, key):
        assert rotations.rotate("shop", reason="compromised", actor="user:ada").version == 2

    def test_after_a_refusal_it_can_be_asked_for_again(self, key):
        for _ in range(2):
            with pytest.raises(rotations.ApprovalRequired):
                rotations.rotate("shop", actor="user:ada")
            waits = Decision.objects.get(status="proposed")
            services.reject(waits.pk, actor="user:bob", now=NOW)
        assert Decision.objects.count() == 2

    def test_so_it_is_for_those_that_are_due(self, key):
        past = rotations.database_now() - timedelta(days=1)
        ManagedSecret.objects.update(
            due_at=past, eligible_at=past, rotator="webhook", delivery_tested_at=past
        )
        result = rotations.rotate_due_for("user:ada")
        assert [each.key_id for each in result.failures] == ["shop"]
        assert (result.rotations, result.under_way) == ([], [])
        services.approve(Decision.objects.get().pk, actor="user:bob", now=NOW)
        assert rotations.rotate_due_for("user:ada").under_way == ["shop"]

    def test_so_it_is_for_what_a_worker_does(self, key):
        with pytest.raises(rotations.ApprovalRequired):
            rotations.order(key, "user:ada", NOW, reason="manual")
        assert rotations.order(key, "user:ada", NOW, rehearse=True).pk

    def test_without_the_rule_one_person_does_it(self, key):
        FourEyesRule.objects.update(is_on=False)
        assert rotations.rotate("shop", actor="user:ada").version == 2


RULES = "/admin/operations/foureyesrule/"


def test_who_it_binds_does_not_switch_it_off(client, ada, django_user_model):
    demand(BUDGET)
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    for role in ("operator", "approver"):
        eve.groups.add(Group.objects.get(name=role))
    client.force_login(eve)
    row = FourEyesRule.objects.get()
    assert client.get(RULES).status_code == 200
    assert client.post(f"{RULES}{row.pk}/change/", {"kind": BUDGET}).status_code == 403
    assert client.post(f"{RULES}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    client.force_login(ada)
    assert client.post(f"{RULES}{row.pk}/change/", {"kind": BUDGET}).status_code == 302
    row.refresh_from_db()
    assert not row.is_on
    unknown = client.post(f"{RULES}add/", {"kind": "made up", "is_on": "on"})
    assert b"Select a valid choice" in unknown.content
    assert pricing.PUBLICATION.title.encode() in client.get(f"{RULES}add/").content


def test_who_made_a_key_does_not_approve_through_it_after_somebody_took_it_over(
    ada, django_user_model
):
    bob = django_user_model.objects.create_superuser("bob")
    demand("budget")
    taken = keys.create("a", ["all", "decisions:approve"], ada).key
    keys.take_over(taken.pk, bob)
    first = keys.create("b", ["all", "decisions:approve"], ada).key
    renewed = keys.rotate(first.pk, actor=bob).key
    again = keys.rotate(renewed.pk).key  # by a worker, for nobody
    assert again.created_by == bob
    for key in (taken, renewed, again):
        through = f"key:{key.pk} bot"
        for person in ("user:ada", "user:bob"):
            for pair in ((person, through), (through, person)):
                with pytest.raises(services.SamePerson):
                    services.check_four_eyes("budget", [pair[0]], pair[1])
        services.check_four_eyes("budget", ["user:eve"], through)
    ada.delete()
    with pytest.raises(services.SamePerson):
        services.check_four_eyes("budget", [f"key:{first.pk} b"], f"key:{again.pk} b")


def test_no_rotator_makes_a_key_that_approves_for_nobody():
    config = {"scopes": ["optimization:write", "decisions:approve"]}
    with pytest.raises(rotations.InvalidArgument, match="acts as a person"):
        rotations.register("bot", "api_key", rotator="platform_api_key", config=config)


def test_where_only_one_person_may_approve_it_is_said(django_user_model, client):
    demand("budget")
    assert reports.lacking_approvers() == (
        "Nobody may approve decisions: give somebody the role approver."
    )
    eve = django_user_model.objects.create_user("eve")
    eve.groups.add(Group.objects.get(name="approver"))
    words = "Four eyes are demanded, such as for budget, and only eve may approve"
    client.force_login(eve)
    assert words in client.get("/dashboards/decisions").content.decode()
    with pytest.raises(services.SamePerson, match=words):
        services.check_four_eyes("budget", ["user:eve"], "user:eve")
    FourEyesRule.objects.update(is_on=False)
    assert reports.lacking_approvers() == ""
    FourEyesRule.objects.update(is_on=True)
    django_user_model.objects.create_superuser("root")
    assert reports.lacking_approvers() == ""
