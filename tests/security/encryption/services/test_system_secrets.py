"""The platform's own secrets: created, taken from the settings, read once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from security.encryption.models import SystemSecret
from security.encryption.reports import system_secrets
from security.encryption.services import system_secrets as services
from security.startup import create_system_secrets

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unread():
    """What a test wrote, and this process read, is gone after it."""
    system_secrets.clear_cache()
    yield
    system_secrets.clear_cache()


@pytest.fixture
def none():
    SystemSecret.objects.all().delete()


def values(name):
    return [each.value for each in system_secrets.stored(name)]


def test_migrating_has_made_each_secret():
    assert values(system_secrets.PEPPER)
    assert values(system_secrets.AUDIT_KEY)
    assert services.create_system_secrets(NOON) == []


def test_what_the_environment_gave_is_taken_over_with_the_pepper_before(none, settings):
    settings.API_KEY_OLD_PEPPER, settings.API_KEY_PEPPER = "before", "present"
    settings.AUDIT_KEY = "audit"
    assert services.create_system_secrets(NOON) == [system_secrets.PEPPER, system_secrets.AUDIT_KEY]
    assert values(system_secrets.PEPPER) == ["present", "before"]
    assert system_secrets.current(system_secrets.PEPPER).value == "present"
    settings.API_KEY_PEPPER = "too late"
    services.create_system_secrets(NOON)
    assert values(system_secrets.PEPPER) == ["present", "before"]
    assert values(system_secrets.AUDIT_KEY) == ["audit"]


def test_where_nothing_was_given_random_values_are_made(none, settings):
    settings.API_KEY_OLD_PEPPER = settings.API_KEY_PEPPER = settings.AUDIT_KEY = ""
    services.create_system_secrets(NOON)
    made = [*values(system_secrets.PEPPER), *values(system_secrets.AUDIT_KEY)]
    assert len(set(made)) == 2
    assert min(map(len, made)) == 64


def test_none_lies_open_in_its_row(none):
    services.add("test", 1, "a value nobody may see", NOON)
    row = SystemSecret.objects.get()
    assert row.ciphertext is not None
    assert b"nobody may see" not in row.ciphertext.sealed + row.ciphertext.wrapped
    assert str(row) == "test 1"


def test_of_two_that_make_one_number_the_first_counts(none):
    assert services.add("test", 1, "first", NOON)
    assert not services.add("test", 1, "second", NOON)
    assert values("test") == ["first"]


def test_the_older_ones_are_removed(none):
    for number in (1, 2, 3):
        services.add("test", number, f"value {number}", NOON)
    assert services.remove("test", below=3) == 2
    assert values("test") == ["value 3"]


def test_before_the_first_migrate_it_says_what_to_do(none):
    with pytest.raises(system_secrets.SystemSecretMissing, match=r"run \./manage\.py migrate"):
        system_secrets.current(system_secrets.PEPPER)


def test_a_process_reads_once_and_again_when_that_is_old(django_assert_num_queries):
    began = system_secrets.current(system_secrets.PEPPER, lambda: 100.0)
    with django_assert_num_queries(0):
        assert system_secrets.current(system_secrets.PEPPER, lambda: began.until) is began
    with django_assert_num_queries(1):
        assert (
            system_secrets.current(system_secrets.PEPPER, lambda: began.until + 1).until
            > began.until
        )
    with django_assert_num_queries(1):
        system_secrets.read(system_secrets.PEPPER)


def test_a_new_value_comes_into_use_after_it_has_settled(none):
    services.add("test", 1, "old", NOON)
    now = datetime.now(UTC)
    services.add("test", 2, "new", now)
    assert system_secrets.current("test").value == "old"
    SystemSecret.objects.filter(number=2).update(created_at=now - timedelta(minutes=11))
    system_secrets.clear_cache()
    assert system_secrets.current("test").value == "new"


@pytest.mark.parametrize(
    ("leaf", "created"), [(("operations", "0001_initial"), False), (None, True)]
)
def test_they_are_created_once_their_table_exists(none, leaf, created):
    loader = MigrationLoader(None)
    state = loader.project_state(leaf).apps if leaf else None
    create_system_secrets(using="default", apps=state)
    assert SystemSecret.objects.exists() is created


def test_another_database_gets_none(none):
    create_system_secrets(using="other", apps=apps)
    assert not SystemSecret.objects.exists()
