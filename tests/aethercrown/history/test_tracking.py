"""History: what staff edit is kept with who, from where and why; never a secret; nothing hot."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from aethercrown.history import display, tracking
from aethercrown.history.attribution import acting, current_actor
from marketing.channels.models import Channel
from operations.automations.models import Automation
from operations.health.models import Component
from operations.messaging.models import Destination
from security.access.models import User
from security.audit import reports
from security.audit.models import Event
from tests.aethercrown.bulk_writes import ROOT, bulk_writes, sources, tracked_names
from tests.aethercrown.histories import history_of

SECRET = ("password", "digest", "sealed", "wrapped", "ciphertext", "secret", "pepper", "token")
NO_SECRET = {  # the digest of a published price book, and who takes the daily list
    "HistoricalPriceBookVersion.digest",
    "HistoricalDestination.takes_digest",
}


@pytest.fixture
def channel(db):
    with acting("user:anna", address="203.0.113.7"):
        return Channel.objects.create(name="Search")


def changes(row, most=display.MOST):
    """Those of a row whose table is tracked."""
    found = display.changes(row, most)
    assert found is not None
    return found


def told(row):
    return [
        (each.act, each.actor, each.reason, [(v.name, v.before, v.after) for v in each.values])
        for each in changes(row)
    ]


def test_a_change_is_kept_with_who_from_where_and_why(channel):
    channel.notes = "held back"
    with acting("key:12 shop", "Season", "198.51.100.1"):
        channel.save()
    newest, first = changes(channel)
    assert told(channel)[0] == (
        "changed",
        "key:12 shop",
        "Season",
        [("Notes", "empty", "held back")],
    )
    assert (newest.address, first.actor, first.address) == (
        "198.51.100.1",
        "user:anna",
        "203.0.113.7",
    )
    assert ("Name", "", "Search") in [(v.name, v.before, v.after) for v in first.values]


def test_a_save_that_changes_nothing_leaves_nothing(channel):
    channel.save()
    Channel.objects.get(name="Search").save()
    assert channel.history.count() == 1


def test_a_row_from_before_its_history_begins_with_what_it_was(db):
    Channel.objects.bulk_create([Channel(name="Post", notes="old")])
    post = Channel.objects.get(name="Post")
    post.notes = "new"
    with acting("user:anna"):
        post.save()
    newest, first = told(post)
    assert newest == ("changed", "user:anna", "", [("Notes", "old", "new")])
    assert first[:3] == ("created", display.NOBODY, tracking.AS_IT_WAS)


def test_a_deletion_is_kept(channel):
    key = channel.pk
    Channel.objects.filter(pk=key).delete()
    assert [each.history_type for each in Channel.history.filter(id=key)] == ["-", "+"]


def test_rows_written_in_bulk_are_kept_where_they_differ(channel):
    Channel.objects.bulk_create([Channel(name="Post")])
    Channel.objects.filter(pk=channel.pk).update(notes="x")
    assert tracking.keep(Channel, Channel.objects.all()) == 2
    assert tracking.keep(Channel, Channel.objects.all()) == 0
    assert [each.history_type for each in channel.history.all()] == ["~", "+"]
    assert Event.objects.filter(stream="history:marketing.channel").count() == 3
    assert reports.history_faults() == []


def test_rows_older_than_their_history_begin_with_what_they_were_before_a_bulk_write(channel):
    Channel.objects.bulk_create([Channel(name="Post", notes="old")])
    tracking.begin(Channel, Channel.objects.all())
    tracking.begin(Channel, Channel.objects.all())
    tracking.begin(Channel, [])
    Channel.objects.update(notes="new")
    assert tracking.keep(Channel, Channel.objects.all()) == 2
    newest, first = told(Channel.objects.get(name="Post"))
    assert newest[0] == "changed"
    assert newest[3] == [("Notes", "old", "new")]
    assert first[:3] == ("created", display.NOBODY, tracking.AS_IT_WAS)
    assert channel.history.count() == 2
    assert reports.history_faults() == []


def test_an_erasure_of_history_is_recorded_and_what_is_altered_later_is_found(channel, monkeypatch):
    monkeypatch.setattr(tracking, "ERASED_ROWS", 1)
    channel.notes = "of Zaphod"
    channel.save()
    other = Channel.objects.create(name="Post", notes="of Zaphod")
    with acting("user:officer"):
        assert tracking.erase(Channel, [channel.pk], notes="") == 2
    assert [each.notes for each in Channel.history.order_by("pk")] == ["", "", "of Zaphod"]
    erased = Event.objects.filter(event="history.erased")
    assert {each.actor for each in erased} == {"user:officer"}
    assert erased.count() == 2
    assert reports.history_faults() == []
    Channel.history.filter(id=channel.pk).update(notes="x")
    [fault] = reports.history_faults()
    assert fault.kind == "altered"
    assert tracking.erase(Channel, [other.pk + 1], notes="") == 0


def test_nothing_is_kept_in_silence(db):
    with tracking.silent():
        tracking.begin(Channel, [Channel(pk=1, name="Post")])
        group = Group.objects.create(name="night shift")
        group.permissions.set(Permission.objects.all()[:2])
        group.delete()
    assert not history_of(Group).exists()


def test_what_a_group_may_do_is_kept(db):
    group = Group.objects.create(name="night shift")
    permission = Permission.objects.get(codename="view_pages")
    group.permissions.add(permission)
    assert changes(group)[0].values[0].after == str(permission)
    group.permissions.clear()
    assert changes(group)[0].values[0].before == str(permission)
    assert reports.history_faults() == []


def test_a_change_from_the_other_side_is_one_of_each_row(db):
    group = Group.objects.create(name="night shift")
    people = [User.objects.create(username=name) for name in ("anna", "bob")]
    group.user_set.add(*people)
    assert [changes(each)[0].values[0].after for each in people] == ["night shift"] * 2
    group.user_set.remove(people[0])
    group.user_set.clear()
    assert [changes(each)[0].values[0].before for each in people] == ["night shift"] * 2
    assert [each.history.count() for each in people] == [3, 3]


def test_a_group_of_a_person_is_shown_under_the_name_it_had_then(db):
    group = Group.objects.create(name="night shift")
    person = User.objects.create(username="anna")
    person.groups.add(group)
    group.name = "day shift"
    group.save()
    person.first_name = "Anna"
    person.save()
    person.groups.clear()
    removed, named, added = changes(person)[:3]
    assert (added.values[0].after, removed.values[0].before) == ("night shift", "day shift")
    assert [each.name for each in named.values] == ["First name"]


def test_signing_in_changes_nothing_that_is_tracked(db):
    person = User.objects.create(username="anna")
    Client().force_login(person)
    person.set_password("a long enough password")
    person.save()
    assert person.history.count() == 1


def test_what_is_not_tracked_has_no_history(db):
    permission = Permission.objects.first()
    assert permission is not None
    assert display.changes(permission) is None


def test_a_row_with_a_long_past_shows_its_newest(channel):
    for number in range(4):
        channel.notes = f"{number}" * 400
        channel.save()
    shown = changes(channel, most=2)
    assert [len(each.values) for each in shown] == [1, 1]
    assert shown[0].values[0].after.endswith("…")


def test_what_a_row_pointed_at_may_be_gone(channel):
    other = Automation.history.model(task_id=99, name="x", history_type="+")
    field = Automation._meta.get_field("task")
    now = timezone.now()
    assert display._shown(field, other.task_id, now) == "99 (deleted)"
    assert display._shown(field, None, now) == "empty"


def test_a_related_row_is_shown_under_the_name_it_had_then(db):
    router = Component.objects.create(name="router", target="https://r.example.com/")
    shop = Component.objects.create(name="shop", target="https://s.example.com/", parent=router)
    router.name = "gateway"
    router.save()
    shop.parent = None
    shop.save()
    shop.parent = router
    shop.save()
    router.delete()
    again, gone, first = (
        {each.name: each for each in change.values}["Parent"] for change in changes(shop)[-3:]
    )
    assert (first.after, gone.before, again.after) == ("router", "router", "gateway")


def test_no_secret_is_ever_in_a_history():
    found = {
        f"{rows.__name__}.{field.name}"
        for rows in tracking.tracked().values()
        for field in rows._meta.get_fields()
        if any(word in field.name for word in SECRET)
    }
    assert found <= NO_SECRET
    assert "sealed_secret" not in {each.name for each in Destination.history.model._meta.fields}


def test_the_tables_that_staff_edit_are_tracked():
    assert {model._meta.label for model in tracking.tracked()} >= {
        *(
            "security.User",
            "auth.Group",
            "security.ApiKey",
            "security.ManagedSecret",
            "security.RotationPolicy",
        ),
        *("operations.Automation", "django_celery_beat.PeriodicTask", "operations.Component"),
        *(
            "operations.Destination",
            "operations.Silence",
            "marketing.Channel",
            "marketing.AllocationLock",
        ),
        *(
            "revenue.PricingPlan",
            "revenue.PriceBook",
            "revenue.PriceBookVersion",
            "revenue.PlanPrice",
        ),
        *("revenue.PlanCharge", "revenue.PriceFactor", "revenue.PlanRule"),
        *("revenue.Customer", "revenue.Subscription"),
    }


def test_the_innermost_author_counts():
    with acting("user:anna"):
        with acting("automation:operations.sweep"):
            assert current_actor().actor == "automation:operations.sweep"
        with acting("user:anna", "a reason"):
            assert (current_actor().actor, current_actor().reason) == ("user:anna", "a reason")
    assert current_actor().actor == ""


KEPT = {
    "enterprise/onboarding/services/demo.py": "nobody made the demo company's rows",
    "enterprise/usage/services/metrics.py": "made unconfirmed by a call; staff's changes are kept",
    "marketing/channels/services/csv_imports.py": "history.keep follows",
    "marketing/channels/services/spend_imports.py": "history.keep follows",
    "marketing/demo/services.py": "nobody made the demo company's rows",
    "operations/demo/services.py": "nobody made the demo company's rows",
    "revenue/customers/services/customers.py": "history.keep follows the clients of a call",
    "revenue/customers/services/imports.py": "history.keep follows; new rows are the file's",
    "revenue/customers/services/undo_imports.py": "rows of a file have none; the import says it",
    "revenue/demo/services.py": "nobody made the demo company's rows",
    "security/rotation/services/steps.py": "the audit chain records each step",
    "security/rotation/services/policy.py": "times that follow from a policy",
    "security/rotation/services/due.py": "empty policy rows, made to be locked",
}


def test_nothing_writes_a_tracked_table_past_its_history():
    models = tracked_names()
    found = [
        f"{path.relative_to(ROOT)}:{line} {model}.{call}"
        for path in sources()
        if path.relative_to(ROOT).as_posix() not in KEPT
        for line, model, call in bulk_writes(path.read_text(encoding="utf-8"), models)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "Channel.objects.filter(pk=1).update(notes='x')",
        "Channel.objects.bulk_create([])",
        "Channel.objects.all().delete()",
        "rows = Channel.objects.filter(pk=1)\n    rows.update(notes='x')",
    ],
)
def test_the_search_finds_each_way_past(line):
    source = f"from marketing.channels.models import Channel\ndef f():\n    {line}\n"
    assert len(list(bulk_writes(source, tracked_names()))) == 1


def test_the_search_lets_by_what_is_not_tracked():
    source = (
        "from operations.health.models import Component\ndef f():\n"
        "    Component.objects.filter(pk=1).update(status='x')\n    Component.objects.get(pk=1)\n"
    )
    assert list(bulk_writes(source, tracked_names())) == []
