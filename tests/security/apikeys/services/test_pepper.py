"""Another pepper ends no key, and the old one goes when nothing needs it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from security.apikeys import reports, tasks, token
from security.apikeys import services as keys
from security.apikeys.models import ApiKey
from security.apikeys.services import pepper, usage
from security.audit.models import Event
from security.encryption.models import SystemSecret
from security.encryption.reports import system_secrets

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def now():
    """Of the test, not of its collection: a whole suite takes longer than a pepper's settling."""
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _nothing_read():
    """What a test wrote, and this process read or saw, is gone after it."""
    SystemSecret.objects.filter(name=system_secrets.PEPPER).update(created_at=now() - 9 * HOUR)
    system_secrets.clear_cache()
    usage.collector.take()
    yield
    system_secrets.clear_cache()
    usage.collector.take()


@pytest.fixture
def issued():
    return keys.create("shop", ["revenue:read"])


def age(hours):
    """Let the newest pepper be from so many hours ago."""
    newest = SystemSecret.objects.filter(name=system_secrets.PEPPER).latest("number")
    newest.created_at = now() - hours * HOUR
    newest.save()
    system_secrets.clear_cache()


def peppers():
    return len(system_secrets.stored(system_secrets.PEPPER))


def marks():
    return set(ApiKey.objects.values_list("pepper_id", flat=True))


def test_a_key_made_before_opens_on_and_moves_when_it_is_used(issued):
    before = marks()
    pepper.renew(now())
    age(2)
    assert reports.count_under_old_pepper() == 1
    assert keys.verify_key(issued.plaintext)
    usage.flush()
    assert reports.count_under_old_pepper() == 0
    assert not marks() & before
    assert keys.verify_key(issued.plaintext)
    assert usage.collector.take()[1] == {}


def test_until_it_is_in_use_keys_are_made_under_the_old_one_and_stay_there(issued):
    before = marks()
    pepper.renew(now())
    keys.create("another", ["all"])
    keys.verify_key(issued.plaintext)
    usage.flush()
    assert marks() == before


def test_a_process_that_has_not_heard_of_it_yet_opens_what_others_make(issued):
    """It knows a new pepper before anybody uses it, and never takes a key back to the old one."""
    pepper.renew(now())
    stale = system_secrets.current(system_secrets.PEPPER)
    age(2)
    made = keys.create("another", ["all"])
    assert system_secrets.current(system_secrets.PEPPER).active == 0
    system_secrets._cache = dict.fromkeys(system_secrets._cache, stale)
    assert stale.active == 1
    assert keys.verify_key(made.plaintext)
    assert usage.collector.take()[1] == {}


def test_looking_up_a_key_is_one_query_under_either_pepper(issued, django_assert_num_queries):
    pepper.renew(now())
    age(2)
    system_secrets.current(system_secrets.PEPPER)
    with django_assert_num_queries(1) as queries:
        assert keys.verify_key(issued.plaintext)
    assert queries[0]["sql"].startswith("SELECT")


def test_there_are_never_three_while_a_live_key_needs_the_second(issued):
    pepper.renew(now())
    with pytest.raises(pepper.PepperStillInUse, match="wait until it is in use"):
        pepper.renew(now())
    age(2)
    with pytest.raises(
        pepper.PepperStillInUse, match="1 live API keys still depend on the previous pepper"
    ):
        pepper.renew(now())
    assert peppers() == 2


def test_the_old_one_is_forgotten_once_no_live_key_names_it(issued):
    pepper.renew(now())
    assert pepper.remove_unused(now()) == 0
    age(2)
    assert pepper.remove_unused(now()) == 0
    keys.revoke(issued.key.pk)
    assert pepper.remove_unused(now()) == 1
    assert pepper.remove_unused(now()) == 0
    assert peppers() == 1


def test_renewing_forgets_what_it_can_first():
    for _ in range(3):
        pepper.renew(now())
        age(2)
    assert peppers() == 2
    assert [each.number for each in system_secrets.stored(system_secrets.PEPPER)] == [4, 3]


@pytest.mark.parametrize("ending", ["expires_at", "retire_at"])
def test_a_key_that_has_ended_holds_no_pepper(issued, ending):
    ApiKey.objects.update(**{"created_at": now() - 9 * HOUR, ending: now() - HOUR})
    assert not reports.keys_under_other_peppers("none", now()).exists()
    ApiKey.objects.update(**{ending: now() + HOUR})
    assert reports.keys_under_other_peppers("none", now()).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_renewals_at_once_one_is_done(at_once):
    found = at_once(lambda: pepper.renew(now()), 4)
    assert sum(isinstance(each, datetime) for each in found) == 1
    assert sum(isinstance(each, pepper.PepperStillInUse) for each in found) == 3
    assert peppers() == 2


def test_the_scheduled_look_forgets_it(issued):
    pepper.renew(now())
    age(2)
    keys.verify_key(issued.plaintext)
    tasks.check_api_keys()
    assert peppers() == 1
    assert keys.verify_key(issued.plaintext)


def test_the_command_renews_says_when_and_is_an_event(capsys):
    call_command("renew_pepper")
    assert "becomes active at" in capsys.readouterr().out
    event = Event.objects.get(event="pepper.renewed")
    assert event.actor.startswith("command:")
    with pytest.raises(CommandError, match="wait until it is in use"):
        call_command("renew_pepper")


def test_a_pepper_is_marked_without_being_told(issued):
    assert marks() == {token.pepper_id(system_secrets.stored(system_secrets.PEPPER)[0].value)}
