import json
import os

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from aethercrown.db import schema
from aethercrown.embedded import preparation
from security.apikeys import services

pytestmark = pytest.mark.django_db


def answer(folder, *, demo=False, alone=True):
    reader, writer = os.pipe()
    preparation.prepare(folder, writer, demo=demo, alone=alone)
    os.close(writer)
    with os.fdopen(reader) as told:
        return json.load(told)


def test_where_others_can_connect_no_login_is_made(tmp_path):
    told = answer(tmp_path, alone=False)
    assert (told["login"], told["password"]) == (None, None)
    assert not get_user_model().objects.exists()


def test_the_first_start_makes_a_login_and_a_later_one_tells_nothing(tmp_path, client):
    first = answer(tmp_path)
    assert client.login(username="admin", password=first["password"])
    assert first["login"] == "admin"
    assert answer(tmp_path)["password"] is None
    person = get_user_model().objects.get()
    assert person.is_staff
    assert person.is_superuser


def test_each_start_has_a_key_and_the_former_ends(tmp_path):
    first, second = (answer(tmp_path)["api_key"] for _ in range(2))
    assert services.verify_key(first) is None
    held = services.verify_key(second)
    assert held
    assert held.name == preparation.KEY_NAME


def test_somebody_elses_login_is_enough(tmp_path):
    get_user_model().objects.create_superuser("boss", password="-" * 20)
    assert answer(tmp_path)["password"] is None
    assert get_user_model().objects.count() == 1


def missing():
    return preparation.migration_files() - set(MigrationRecorder(connection).applied_migrations())


def test_every_migration_file_is_known_to_be_applied():
    assert missing() == set()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_lacks_a_migration_is_brought_up_to_date_in_one_line(tmp_path, capsys):
    call_command("migrate", "aethercrown", "0002", verbosity=0)
    assert missing()
    answer(tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "igration" in line or "Applying" in line] == [
        "The database is brought up to date (migrations: 1)."
    ]
    assert not missing()


def test_a_database_of_the_old_form_is_refused_in_one_sentence(tmp_path):
    MigrationRecorder(connection).record_applied(*schema.REPLACED)
    with pytest.raises(SystemExit, match="start with a new DATA_DIR"):
        answer(tmp_path)
    with pytest.raises(SystemCheckError, match="start with a new DATA_DIR"):
        call_command("migrate", verbosity=0, skip_checks=False)


def test_a_demo_that_is_wanted_is_loaded_with_the_rest(tmp_path):
    (tmp_path / preparation.DEMO_DONE).touch()
    assert answer(tmp_path, demo=True)["api_key"]


def test_a_demo_that_was_loaded_once_stays_cleared(tmp_path):
    (tmp_path / preparation.DEMO_DONE).touch()
    before = get_user_model().objects.count()
    preparation.load_demo(tmp_path)
    assert get_user_model().objects.count() == before


@pytest.mark.skipif("seed_demo" not in get_commands(), reason="there is no demo company")
def test_the_demo_company_is_loaded_and_noted(tmp_path):
    preparation.load_demo(tmp_path)
    assert (tmp_path / preparation.DEMO_DONE).exists()
