"""Two roles in turn on a real PostgreSQL that asks for passwords (SCRAM-SHA-256)."""

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from aethercrown.embedded import postgres
from aethercrown.http import postgres as outside
from aethercrown.http.addresses import parse_networks
from aethercrown.http.outbound import OutboundClient, Unreachable
from aethercrown.http.postgres import DatabaseRefused, DatabaseServer, DatabaseUnreachable
from security.rotation import services
from security.rotation.models import ManagedSecret, OutsideTask, SecretBinding, SecretVersion
from security.rotation.registry import (
    BindingTerms,
    BoundSecret,
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    TargetRefused,
)
from security.rotation.rotators.database import DatabasePassword

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
    chief = services.register("chief", "database", value="chief-secret").key
    app = services.register(
        "app", "database", rotator="database_password", config=roles, value="first"
    ).key
    for key in (chief, app):
        bind(key, roles["host"])
    return app


def bind(key, host, port=5432, **terms):
    return SecretBinding.objects.create(key=key, purpose="database", host=host, port=port, **terms)


def test_old_and_new_work_together_until_the_grace_is_over(managed, server):
    done = services.rotate("app")
    assert works(server, "app_b", done.new_key)
    assert works(server, "app_a", "first")
    again = services.rotate("app", reason="compromised")
    assert works(server, "app_a", again.new_key)
    assert not works(server, "app_a", "first")
    assert not works(server, "app_b", done.new_key)
    third = services.rotate("app", end_previous=True)
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
    with pytest.raises(services.RotationFailed, match=r"The target refused\."):
        services.rotate("app")
    assert works(server, "app_a", "first")


def test_a_role_that_is_gone_leaves_the_old_value(managed, server):
    with administrator(server) as admin:
        admin.execute("DROP ROLE app_b")
    with pytest.raises(services.RotationFailed, match=r"The target refused\."):
        services.rotate("app")
    assert works(server, "app_a", "first")


def test_a_role_that_is_gone_has_ended_and_leaves_no_task(managed, server):
    services.rotate("app")
    with administrator(server) as admin:
        admin.execute("DROP ROLE app_a")
    services.revoke("app")
    assert not OutsideTask.objects.exclude(state="done").exists()
    with administrator(server) as admin:
        rows = admin.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app_b'").fetchone()
    assert rows == (False,)


def test_a_bound_target_that_does_not_exist_is_a_clear_word(managed, server, versions):
    gone = {**managed.config, "host": str(server.folder / "nowhere")}
    ManagedSecret.objects.filter(pk=managed.pk).update(config=gone)
    for key in ManagedSecret.objects.all():
        bind(key, gone["host"])
    with pytest.raises(services.RotationFailed, match=r"It could not be set|did not work"):
        services.rotate("app")
    assert versions("app")[0] == (1, "current")
    assert works(server, "app_a", "first")


def test_revoking_closes_both_roles(managed, server):
    done = services.rotate("app")
    services.revoke("app")
    assert not works(server, "app_b", done.new_key)
    assert not works(server, "app_a", "first")


LOOPBACK = parse_networks("127.0.0.0/8")


BOUND = BindingTerms()


def context(config, terms=BOUND, **more):
    """A key and an administrator that staff have bound to whatever `config` names."""
    plain = {"number": 2, "value": "new", "detail": {"role": "app_b"}}
    current = {"current": "first", "current_detail": {"role": "app_a"}}
    bound = {
        "secret_of": lambda _key, _address: BoundSecret("chief-secret", terms),
        "terms": lambda _address: terms,
    }
    return RotationContext(
        **{"key_id": "app", "config": config, **bound, **plain, **current, **more}
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


def test_an_administrator_that_is_rotated_too_logs_in_as_the_role_that_is_current(
    managed, server, roles
):
    with administrator(server) as admin:
        for role in ("chief_a", "chief_b"):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
            admin.execute(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'first-chief'")
            admin.execute(f"GRANT app_a, app_b TO {role} WITH ADMIN OPTION")
        admin.execute("GRANT chief_b TO chief WITH ADMIN OPTION")
        admin.execute("GRANT chief_a TO chief WITH ADMIN OPTION")
    config = {**roles, "roles": ["chief_a", "chief_b"]}
    chiefs = services.register(
        "chiefs", "database", rotator="database_password", config=config, value="first-chief"
    ).key
    bind(chiefs, roles["host"])
    services.change("app", config={**roles, "admin_role": "chief_a", "admin_key": "chiefs"})
    services.rotate("chiefs", reason="compromised")  # from now on chief_b, at once
    done = services.rotate("app")
    assert works(server, "app_b", done.new_key)


def test_a_wrong_password_is_a_clear_no(server, roles):
    with pytest.raises(TargetRefused, match="The target refused"):
        KIND.test(context(roles, detail={"role": "app_a"}, value="wrong"))


@pytest.mark.parametrize("asked", [CLEAR_TEXT, MD5])
def test_a_server_that_asks_for_less_than_scram_gets_no_password(asked):
    with asking(asked) as (port, answers):
        config = {"host": "127.0.0.1", "port": port, "dbname": "d", "roles": ["app_a", "app_b"]}
        with pytest.raises(TargetRefused, match=r"^The target refused\.$"):
            KIND.set(context(config, BindingTerms(tls="disable", networks=LOOPBACK)))
    assert b"app_a" in answers[0]
    assert b"first" not in answers[0]
    assert b"md5" not in answers[0]


@contextmanager
def asking(asked):
    """A server on loopback without TLS that answers with `asked`, and what it was sent."""
    answers = []

    def ask(listener):
        with suppress(OSError):  # nobody came
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
        yield listener.getsockname()[1], answers
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_name_of_a_database_leads_to_no_other_server(server, roles):
    """The attack: libpq may read a whole connection string out of a database's name."""
    with asking(CLEAR_TEXT) as (port, answers):
        for name in (f"host=127.0.0.1 port={port}", f"postgresql://127.0.0.1:{port}/d"):
            with pytest.raises((TargetRefused, OutcomeUnknown)):
                KIND.test(context({**roles, "dbname": name}, detail={"role": "app_a"}))
    assert answers == []


def test_a_server_without_tls_is_told_nothing_unless_the_binding_says_so():
    with asking(CLEAR_TEXT) as (port, answers):
        config = {"host": "127.0.0.1", "port": port, "dbname": "d", "roles": ["app_a", "app_b"]}
        with pytest.raises(TargetRefused, match=r"^The target refused\.$"):
            KIND.set(context(config, BindingTerms(networks=LOOPBACK)))
    assert all(b"app_a" not in each for each in answers)


class TestASecretGoesOnlyWhereStaffBoundIt:
    """The attack: a caller registers a key whose config names its own host and another's secret."""

    @pytest.fixture
    def stored(self, db):
        return services.register("chief", "database", value="chief-secret").key

    def attack(self, port, **more):
        config = {
            "host": "127.0.0.1", "port": port, "dbname": "d", "roles": ["app_a", "app_b"],
            "admin_role": "chief", "admin_key": "chief", **more,
        }  # fmt: skip
        made = services.register(
            "mine", "database", rotator="database_password", config=config, value="x"
        )
        with pytest.raises(services.RotationFailed) as refused:
            services.rotate("mine")
        return made.key, str(refused.value)

    def test_without_a_binding_nobody_is_called(self, stored):
        with asking(CLEAR_TEXT) as (port, answers):
            key, words = self.attack(port)
        assert answers == []
        assert "No binding lets mine be used at 127.0.0.1" in words
        assert not SecretVersion.objects.filter(key=key, state="pending").exists()

    def test_a_binding_of_the_callers_own_key_frees_no_other_secret(self, stored):
        with asking(CLEAR_TEXT) as (port, answers):
            made = services.register("mine", "database", rotator="database_password", value="x",
                                     config={"host": "127.0.0.1", "port": port, "dbname": "d",
                                             "roles": ["app_a", "app_b"], "admin_role": "chief",
                                             "admin_key": "chief"})  # fmt: skip
            bind(made.key, "127.0.0.1", port, tls="disable", networks="127.0.0.0/8")
            with pytest.raises(services.RotationFailed, match="No binding lets chief be used"):
                services.rotate("mine")
        assert answers == []

    def test_a_binding_to_another_port_or_for_another_purpose_does_not_count(self, stored):
        with asking(CLEAR_TEXT) as (port, answers):
            bind(stored, "127.0.0.1", port + 1, tls="disable", networks="127.0.0.0/8")
            SecretBinding.objects.create(
                key=stored, purpose="webhook", host="127.0.0.1", port=port, networks="127.0.0.0/8"
            )
            self.attack(port)
        assert answers == []

    def test_a_stored_config_of_several_hosts_is_refused(self, stored):
        services.register("mine", "database", rotator="database_password", value="x",
                          config={"host": "db", "dbname": "d", "roles": ["a", "b"]})  # fmt: skip
        several = {"host": "db,127.0.0.1", "dbname": "d", "roles": ["a", "b"]}
        ManagedSecret.objects.filter(key_id="mine").update(config=several)
        with pytest.raises(services.RotationFailed, match="is no plain address"):
            services.rotate("mine")


def test_another_role_than_expected_is_a_clear_no(roles):
    class Connection:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, _statement):
            return self

        def fetchone(self):
            return ("somebody",)

    with pytest.raises(TargetRefused, match="The target gave a wrong answer"):
        DatabasePassword(cast("Any", Connection)).test(context(roles))


def test_a_server_that_is_away_is_unclear(tmp_path):
    with pytest.raises(OutcomeUnknown, match="The target did not answer in time"):
        KIND.test(context({"host": str(tmp_path), "dbname": "x"}, detail={"role": "app_a"}))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254"])
def test_an_address_inside_is_refused_where_staff_do_not_allow_it(host):
    with (
        pytest.raises(DatabaseRefused, match=r"^refused$"),
        outside.connected(DatabaseServer(host, 5432, "d"), "a", "p"),
    ):
        pass


def test_one_address_inside_among_those_of_a_name_refuses_it():
    def resolve(*_):
        return ["93.184.216.34", "10.0.0.1"]

    with (
        pytest.raises(DatabaseRefused, match=r"^refused$"),
        outside.connected(
            DatabaseServer("db.example.com", 5432, "d"),
            "a",
            "p",
            client=OutboundClient(resolve=resolve),
        ),  # fmt: skip
    ):
        pass


@pytest.mark.parametrize(("kind", "words"), [("timeout", "timed out"), ("dns", "refused")])
def test_a_name_that_is_not_resolved_is_told_plainly(kind, words):
    def resolve(*_):
        raise Unreachable(kind, "db.example.com could not be resolved.")

    with (
        pytest.raises(DatabaseUnreachable, match=rf"^{words}$"),
        outside.connected(
            DatabaseServer("db.example.com", 5432, "d"),
            "a",
            "p",
            client=OutboundClient(resolve=resolve),
        ),  # fmt: skip
    ):
        pass


def test_a_server_that_keeps_silent_is_left_at_the_deadline(server, roles):
    place = DatabaseServer(str(server.folder), 5432, "postgres")

    def sleep():
        with outside.connected(place, "app_a", "first", seconds=0.3) as line:
            line.execute("SET statement_timeout = 0; SELECT pg_sleep(30)")

    with pytest.raises(DatabaseUnreachable, match="timed out"):
        sleep()


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, {"sslmode": "verify-full", "sslrootcert": "system", "channel_binding": "require"}),
        ({"tls": "disable"}, {"sslmode": "disable", "channel_binding": "disable"}),
        ({"tls": "verify-ca", "ca_certificate": "PEM"}, {"sslmode": "verify-ca"}),
    ],
)
def test_libpq_gets_the_terms_and_the_pinned_addresses(terms, expected):
    given: dict[str, Any] = {}

    def connect(**more):
        given.update(more)
        if "ca_certificate" in terms:
            assert Path(more["sslrootcert"]).read_text(encoding="utf-8") == "PEM"
        raise psycopg.OperationalError("nobody there")

    client = OutboundClient(resolve=lambda *_: ["93.184.216.34", "93.184.216.35"])
    with (
        pytest.raises(DatabaseUnreachable, match="timed out"),
        outside.connected(
            DatabaseServer("db.example.com", 5432, "d", **terms),
            "a",
            "p",
            client=client,
            connect=connect,
        ),  # fmt: skip
    ):
        pass
    assert expected.items() <= given.items()
    assert given["require_auth"] == "scram-sha-256"
    assert given["connect_timeout"] == 2  # for each of two addresses
    assert (given["host"], given["hostaddr"]) == (
        "db.example.com,db.example.com", "93.184.216.34,93.184.216.35",
    )  # fmt: skip


def test_the_role_in_use_is_never_closed(roles):
    KIND.revoke(
        context(roles, detail={"role": "app_a"})
    )  # no connection was made: chief has no key


GOOD = {"host": "h", "dbname": "d", "roles": ["a", "b"]}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("config.host", {"host": ""}),
        ("config.host", {"host": "db1,db2"}),
        ("config.host", {"host": "/var/run,/tmp"}),
        ("config.host", {"host": "@abstract"}),
        ("config.sslmode", {"sslmode": "disable"}),
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
    KIND.validate_config({**GOOD, "port": 6543, "host": "fd12::1"})


def test_a_stored_configuration_without_an_address_claims_no_role():
    assert DatabasePassword().claims({"roles": ["shop_a", "shop_b"]}) == frozenset()
