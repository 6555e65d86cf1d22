"""The platform's own secrets: planted, taken over, read once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from security.apps import plant_secrets
from security.encryption.models import SystemSecret
from security.encryption.services import system_secrets

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unread():
    """What a test wrote, and this process read, is gone after it."""
    system_secrets.forget_read()
    yield
    system_secrets.forget_read()


@pytest.fixture
def none():
    SystemSecret.objects.all().delete()


def values(name):
    return [each.value for each in system_secrets.stored(name)]


def test_migrating_has_made_each_secret():
    assert values(system_secrets.PEPPER)
    assert values(system_secrets.AUDIT_KEY)
    assert system_secrets.plant(NOON) == []


def test_what_the_environment_gave_is_taken_over_with_the_pepper_before(none, settings):
    settings.API_KEY_OLD_PEPPER, settings.API_KEY_PEPPER = "before", "present"
    settings.AUDIT_KEY = "audit"
    assert system_secrets.plant(NOON) == [system_secrets.PEPPER, system_secrets.AUDIT_KEY]
    assert values(system_secrets.PEPPER) == ["present", "before"]
    assert system_secrets.current(system_secrets.PEPPER).value == "present"
    settings.API_KEY_PEPPER = "too late"
    system_secrets.plant(NOON)
    assert values(system_secrets.PEPPER) == ["present", "before"]
    assert values(system_secrets.AUDIT_KEY) == ["audit"]


def test_where_nothing_was_given_random_values_are_made(none, settings):
    settings.API_KEY_OLD_PEPPER = settings.API_KEY_PEPPER = settings.AUDIT_KEY = ""
    system_secrets.plant(NOON)
    made = [*values(system_secrets.PEPPER), *values(system_secrets.AUDIT_KEY)]
    assert len(set(made)) == 2
    assert min(map(len, made)) == 64


def test_none_lies_open_in_its_row(none):
    system_secrets.add("test", 1, "a value nobody may see", NOON)
    row = SystemSecret.objects.get()
    assert row.ciphertext is not None
    assert b"nobody may see" not in row.ciphertext.sealed + row.ciphertext.wrapped
    assert str(row) == "test 1"


def test_of_two_that_make_one_number_the_first_counts(none):
    assert system_secrets.add("test", 1, "first", NOON)
    assert not system_secrets.add("test", 1, "second", NOON)
    assert values("test") == ["first"]


def test_the_older_ones_are_removed(none):
    for number in (1, 2, 3):
        system_secrets.add("test", number, f"value {number}", NOON)
    assert system_secrets.remove("test", below=3) == 2
    assert values("test") == ["value 3"]


def test_before_the_first_migrate_it_says_what_to_do(none):
    with pytest.raises(system_secrets.Missing, match=r"run manage\.py migrate"):
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
    system_secrets.add("test", 1, "old", NOON)
    now = datetime.now(UTC)
    system_secrets.add("test", 2, "new", now)
    assert system_secrets.current("test").value == "old"
    SystemSecret.objects.filter(number=2).update(created_at=now - timedelta(minutes=11))
    system_secrets.forget_read()
    assert system_secrets.current("test").value == "new"


@pytest.mark.parametrize(("leaf", "planted"), [("0003_key_limits", False), (None, True)])
def test_they_are_planted_once_their_table_stands(none, leaf, planted):
    loader = MigrationLoader(None)
    state = loader.project_state(("security", leaf)).apps if leaf else None
    plant_secrets(using="default", apps=state)
    assert SystemSecret.objects.exists() is planted


def test_another_database_gets_none(none):
    plant_secrets(using="other", apps=apps)
    assert not SystemSecret.objects.exists()
