import base64
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from aethercrown.crypto.keyring import MAX_WRAPS, UnknownKek
from security.encryption import reports, services
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.encryption.models import Kek, SystemSecret
from security.encryption.reports import system_secrets
from security.encryption.services import envelope
from security.encryption.services import system_secrets as system_secrets_service
from security.rotation import services as rotation
from security.rotation.models import ManagedSecret, SecretVersion
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
CONTEXT = EncryptionContext(UUID(int=7), 1, "database")


def keys(*kids):
    """Each name has its own key."""
    return ",".join(f"{kid}:{base64.b64encode(kid.ljust(32).encode()).decode()}" for kid in kids)


@pytest.fixture(autouse=True)
def one_kek(settings, db):
    SystemSecret.objects.all().delete()  # those that migrating made, under the tests' own KEK
    settings.ENCRYPTION_KEYS = keys("k1")


def rows(count):
    for number in range(count):
        rotation.register(f"k{number}", "x")
    ManagedSecret.objects.update(registered={})  # which is encrypted too: one row a key is enough


def test_what_is_sealed_is_opened_and_counted():
    sealed = services.seal("secret", CONTEXT)
    assert reports.unseal(sealed, CONTEXT) == "secret"
    services.seal_many([("a", CONTEXT), ("b", CONTEXT)])
    assert Kek.objects.get(kid="k1").wraps == 3


def test_another_key_under_a_known_name_writes_nothing(settings):
    services.seal("secret", CONTEXT)
    settings.ENCRYPTION_KEYS = f"k1:{base64.b64encode(b'x' * 32).decode()}"
    with pytest.raises(reports.WrongKek, match="another key under the id 'k1'"):
        services.seal("secret", CONTEXT)
    [problem] = reports.problems()
    assert problem.startswith("ENCRYPTION_KEYS has another key under the id 'k1' than")
    assert problem.endswith("put the right one back, or give the new one a new id.")


def test_a_kek_that_rows_need_and_nobody_has_is_a_problem(settings):
    rows(2)
    settings.ENCRYPTION_KEYS = keys("k2")
    [problem] = reports.problems()
    assert problem.startswith("The key-encryption key 'k1', which")
    assert "needed for 2 stored secrets:" in problem
    with pytest.raises(UnknownKek):
        current_value("k0")


def test_a_worn_out_kek_wraps_no_more():
    services.seal("secret", CONTEXT)
    Kek.objects.update(wraps=MAX_WRAPS)
    with pytest.raises(services.KekExhausted, match=r"'k1' has made 2\^32 wraps"):
        services.seal("secret", CONTEXT)
    with pytest.raises(CommandError):
        call_command("rewrap_keys", batch=0)


def test_a_process_takes_blocks_of_the_counter():
    meter = envelope.WrapCounter()
    assert not meter.take("k1", 1)
    meter.give("k1", 3)
    assert [meter.take("k1", 2) for _ in range(2)] == [True, False]
    assert not meter.take("k2", 1)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_one_write_serves_many_seals(django_assert_num_queries, settings):
    settings.ENCRYPTION_KEYS = keys("block")
    services.seal("secret", CONTEXT)
    assert Kek.objects.get(kid="block").wraps == envelope.RESERVED_WRAPS
    with django_assert_num_queries(0):
        for _ in range(50):
            services.seal("secret", CONTEXT)


# --- A new KEK --------------------------------------------------------------------------------
def test_everything_moves_to_the_new_kek_and_the_old_may_go(settings, capsys):
    rows(5)
    values = [current_value(f"k{number}") for number in range(5)]
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    assert reports.rows_by_kek() == {"k2": 0, "k1": 5}
    left = [(state.left, state.done) for state in services.rewrap(batch=2)]
    assert left == [(5, 0), (3, 2), (1, 4), (0, 5)]
    settings.ENCRYPTION_KEYS = keys("k2")
    assert [current_value(f"k{number}") for number in range(5)] == values
    call_command("kek_check")
    assert capsys.readouterr().out == "k2: 5 rows, active: wraps new data keys\n"
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    call_command("kek_check")
    assert "k1: 0 rows, may be dropped from ENCRYPTION_KEYS\n" in capsys.readouterr().out


def test_a_rewrap_that_was_stopped_goes_on(settings):
    rows(4)
    settings.ENCRYPTION_KEYS = keys("k2", "k1")

    class Struck(BaseException):
        pass

    def failpoint(name):
        if name == "rewrap.after_batch":
            raise Struck

    with pytest.raises(Struck):
        list(services.rewrap(batch=2, failpoint=failpoint))
    assert reports.rows_by_kek() == {"k2": 2, "k1": 2}
    assert [state.left for state in services.rewrap(batch=2)] == [2, 0]


def test_a_row_that_changed_meanwhile_is_left_to_whoever_changed_it(settings):
    rows(2)
    settings.ENCRYPTION_KEYS = keys("k2", "k1")

    def failpoint(name):
        if name == "rewrap.before_batch":
            version = SecretVersion.objects.get(key__key_id="k0")
            version.ciphertext = services.seal("newer", version.encryption_context(version.key))
            version.save()

    assert list(services.rewrap(failpoint=failpoint))[-1].done == 1
    assert current_value("k0") == "newer"


def test_rows_that_cannot_be_opened_are_named_and_stop_no_other(settings, capsys):
    rows(3)
    SecretVersion.objects.filter(key__key_id="k1").update(wrapped=b"x" * 60)
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    with pytest.raises(CommandError, match="1 row cannot be decrypted:\nsecurity_secretversion"):
        call_command("rewrap_keys")
    assert reports.rows_by_kek() == {"k2": 2, "k1": 1}
    SecretVersion.objects.filter(key__key_id="k1").update(kek_id="k0")
    with pytest.raises(CommandError, match="names only k2, k1"):
        call_command("rewrap_keys")
    with pytest.raises(CommandError, match="needed for 1 stored secret:"):
        call_command("kek_check")


def test_the_command_says_how_many_are_left(settings, capsys):
    rows(3)
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    call_command("rewrap_keys", batch=2)
    assert capsys.readouterr().out.splitlines() == [
        "3 rows left",
        "1 row left",
        "0 rows left",
        "3 rows re-wrapped.",
    ]
    settings.ENCRYPTION_KEYS = f"k2:{base64.b64encode(b'x' * 32).decode()},{keys('k1')}"
    rotation_rows = SecretVersion.objects.all()
    rotation_rows.update(kek_id="k1")
    with pytest.raises(CommandError, match="another key under the id 'k2'"):
        call_command("rewrap_keys")


def test_dropping_a_kek_ends_no_secret_of_the_platforms_own(settings):
    system_secrets_service.add("test", 1, "value", timezone.now())
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    list(services.rewrap())
    settings.ENCRYPTION_KEYS = keys("k2")
    assert [each.value for each in system_secrets.stored("test")] == ["value"]


def test_an_empty_row_has_no_box():
    version = SecretVersion()
    assert version.ciphertext is None
    version.ciphertext = Ciphertext("k1", b"w", b"s")
    assert version.ciphertext == Ciphertext("k1", b"w", b"s")
    version.ciphertext = None
    assert (version.kek_id, version.wrapped, version.sealed) == ("", None, None)
