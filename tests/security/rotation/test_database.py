"""Two roles in turn on a real PostgreSQL that asks for passwords (SCRAM-SHA-256)."""

import socket
import struct
import threading
from typing import cast

import psycopg
import pytest

from aethercrown.embedded import postgres
from security.rotation import services
from security.rotation.models import SecretVersion
from security.rotation.registry import InvalidConfig, OutcomeUnknown, RotationContext, TargetRefused
from security.rotation.rotators.database import Connect, DatabasePassword

KIND = DatabasePassword()
CLEAR_TEXT = b"R" + struct.pack("!II", 8, 3)  # the protocol's requests for a password
MD5 = b"R" + struct.pack("!II4s", 12, 5, b"salt")
ENCRYPTION_REQUESTS = {80_877_103, 80_877_104}  # TLS and GSSAPI, before the start-up message
PASSWORDS = "local all postgres trust\nlocal all all scram-sha-256\n"


def administrator(cluster):
    place = str(cluster.folder)
    return psycopg.connect(host=place, user="postgres", dbname="postgres", autocommit=True)


@pytest.fixture(scope="module")
def server():
    """A server of our own: the tests' database trusts everybody."""
    with postgres.running() as cluster:
        (cluster.data / "pg_hba.conf").write_text(PASSWORDS)
        with administrator(cluster) as admin:
            admin.execute("SET password_encryption = 'scram-sha-256'")
            admin.execute("ALTER SYSTEM SET log_statement = 'all'")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE ROLE chief LOGIN CREATEROLE PASSWORD 'chief-secret'")
        yield cluster


@pytest.fixture
def roles(server):
    """Two roles of which the first works, made anew for each test."""
    with administrator(server) as admin:
        for role in ("app_a", "app_b"):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
            admin.execute(f"CREATE ROLE {role} NOLOGIN")
            admin.execute(f"GRANT {role} TO chief WITH ADMIN OPTION")
        admin.execute("ALTER ROLE app_a LOGIN PASSWORD 'first'")
    return {
        "host": str(server.folder),
        "dbname": "postgres",
        "roles": ["app_a", "app_b"],
        "admin_role": "chief",
        "admin_key": "chief",
    }


def works(server, role, password):
    try:
        psycopg.connect(
            host=str(server.folder), dbname="postgres", user=role, password=password
        ).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def managed(db, roles):
    services.register("chief", "database", value="chief-secret")
    return services.register(
        "app", "database", rotator="database_password", config=roles, value="first"
    ).key


def test_old_and_new_work_together_until_the_grace_is_over(managed, server):
    done = services.rotate("app")
    assert works(server, "app_b", done.new_key)
    assert works(server, "app_a", "first")
    again = services.rotate("app", reason="compromised")
    assert works(server, "app_a", again.new_key)
    assert not works(server, "app_a", "first")
    assert not works(server, "app_b", done.new_key)
    third = services.rotate("app")
    assert works(server, "app_b", third.new_key)
    assert SecretVersion.objects.get(key=managed, state="current").detail == {"role": "app_b"}


def test_the_server_never_sees_the_password(managed, server):
    done = services.rotate("app")
    with administrator(server) as admin:
        [kept] = admin.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'app_b'"
        ).fetchone()
    said = server.log.read_text(encoding="utf-8", errors="replace")
    assert kept.startswith("SCRAM-SHA-256$4096:")
    assert kept in said
    assert done.new_key not in said


def test_a_rehearsal_closes_the_idle_role_again(managed, server):
    services.rehearse("app")
    assert works(server, "app_a", "first")
    with administrator(server) as admin:
        rows = admin.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app_b'").fetchone()
    assert rows == (False,)


def test_a_refusing_server_leaves_the_old_value(managed, server):
    with administrator(server) as admin:
        admin.execute("REVOKE app_b FROM chief")
    with pytest.raises(
        services.RotationFailed, match=r"PostgreSQL refused chief: permission denied"
    ):
        services.rotate("app")
    assert works(server, "app_a", "first")


def test_revoking_closes_both_roles(managed, server):
    done = services.rotate("app")
    services.revoke("app")
    assert not works(server, "app_b", done.new_key)
    assert not works(server, "app_a", "first")


def context(config, **more):
    plain = {"number": 2, "value": "new", "detail": {"role": "app_b"}}
    current = {"current": "first", "current_detail": {"role": "app_a"}}
    return RotationContext(
        **{"key_id": "app", "config": config, "secret_of": str, **plain, **current, **more}
    )


def test_without_an_administrator_each_role_changes_the_other(server, roles):
    alone = {name: roles[name] for name in ("host", "dbname", "roles")}
    with administrator(server) as admin:
        admin.execute("ALTER ROLE app_a CREATEROLE")
        admin.execute("GRANT app_b TO app_a WITH ADMIN OPTION")
    KIND.set(context(alone))
    KIND.test(context(alone))
    assert works(server, "app_b", "new")
    with pytest.raises(TargetRefused, match="no current password"):
        KIND.set(context(alone, current=None))


def test_a_wrong_password_is_a_clear_no(server, roles):
    with pytest.raises(TargetRefused, match="PostgreSQL refused app_a"):
        KIND.test(context(roles, detail={"role": "app_a"}, value="wrong"))


@pytest.mark.parametrize("asked", [CLEAR_TEXT, MD5])
def test_a_server_that_asks_for_less_than_scram_gets_no_password(asked):
    answers = []

    def ask(listener):
        line, _ = listener.accept()
        with line, line.makefile("rb") as sent:
            line.settimeout(5)
            while int.from_bytes(start_up := sent.read(8)[4:]) in ENCRYPTION_REQUESTS:
                line.sendall(b"N")
            line.sendall(asked)
            answers.append(start_up + sent.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=ask, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        config = {"host": "127.0.0.1", "port": port, "dbname": "d", "roles": ["app_a", "app_b"]}
        with pytest.raises(TargetRefused, match="PostgreSQL refused app_a"):
            KIND.set(context(config))
        thread.join()
    assert b"app_a" in answers[0]
    assert b"first" not in answers[0]
    assert b"md5" not in answers[0]


def test_another_role_than_expected_is_a_clear_no(roles):
    class Connection:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, _statement):
            return self

        def fetchone(self):
            return ("somebody",)

    with pytest.raises(TargetRefused, match="should be app_b"):
        DatabasePassword(cast("Connect", lambda **_: Connection())).test(context(roles))


def test_a_server_that_is_away_is_unclear(tmp_path):
    with pytest.raises(OutcomeUnknown, match="did not answer app_a"):
        KIND.test(context({"host": str(tmp_path), "dbname": "x"}, detail={"role": "app_a"}))


def test_the_role_in_use_is_never_closed(roles):
    KIND.revoke(
        context(roles, detail={"role": "app_a"})
    )  # no connection was made: chief has no key


GOOD = {"host": "h", "dbname": "d", "roles": ["a", "b"]}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("config.host", {"host": ""}),
        ("config.dbname", {"dbname": 3}),
        ("config.roles", {"roles": ["a"]}),
        ("config.roles", {"roles": ["a", "a"]}),
        ("config.roles", {"roles": ["a", 1]}),
        ("config.admin_role", {"admin_role": "a", "admin_key": "k"}),
        ("config.admin_role", {"admin_key": "k"}),
        ("config.admin_key", {"admin_role": "c"}),
        ("config.port", {"port": "5432"}),
        ("config.port", {"port": 70_000}),
        ("config.password", {"password": "x"}),
    ],
)
def test_what_the_configuration_lacks_is_named(field, change):
    with pytest.raises(InvalidConfig) as refused:
        KIND.validate_config({**GOOD, **change})
    assert refused.value.field == field
    KIND.validate_config({**GOOD, "port": 6543, "sslmode": "require"})
