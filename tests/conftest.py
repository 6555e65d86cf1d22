"""Fixtures of every app's tests."""

import concurrent.futures
import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection, connections
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker

from tests import pristine, template, write_transactions
from tests.browser import Browser, browsing, programs

# A busy machine fails no property: how long an example takes is left to the benchmarks. The gate
# draws the same examples each time; new ones are drawn by every run outside it.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "gate", settings.get_profile("tests"), max_examples=50, derandomize=True, database=None
)
settings.load_profile("tests")

DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server"})


def pytest_configure(config: pytest.Config) -> None:
    """Leave the long fault tests out, unless markers were chosen: `python -m tests.faults`."""
    config.addinivalue_line("markers", "once: no matter which database; the gate runs it once")
    config.option.markexpr = config.option.markexpr or "not fault"
    config.pluginmanager.register(write_transactions.Recorder(Path(os.environ["TESTS_FOLDER"])))


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the mark or the fixture, pytest-django lets no test near a database."""
    for item in items:
        named = getattr(item, "fixturenames", ())
        if not (item.get_closest_marker("django_db") or DATABASE_FIXTURES.intersection(named)):
            item.add_marker(pytest.mark.once)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write each failed test with its reason where the gate asks for it: a line a test."""
    if wanted := os.environ.get("FAILED_TESTS_FILE"):
        failures = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
        with Path(wanted).open("a", encoding="utf-8") as written:
            written.writelines(failure_line(each) for each in failures)


def failure_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    reason = getattr(crash, "message", "") or report.longreprtext
    return f"FAILED {report.nodeid}: {' '.join(reason.split())[:200]}\n"


def pytest_collection_finish() -> None:
    """Modules and collected tests stay to the end: garbage collection need not walk them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def valkey_url() -> str:
    """The address of a real Valkey; its database number is this worker's alone."""
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def valkey(valkey_url: str) -> Iterator[redis.Redis]:
    """A client of this worker's Valkey."""
    with redis.Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture(autouse=True)
def _forgotten_cache(valkey: redis.Redis) -> Iterator[None]:
    """What a test left in the cache or the queues is gone before the next."""
    yield
    keys = list(valkey.scan_iter(f"{os.environ['CACHE_PREFIX']}:*", count=1000))
    if keys:
        valkey.delete(*keys)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[pristine.Restore]:
    """The test database: a copy of one migrated template, or the first, which becomes it.

    A test on real commits leaves the database as the migrations left it.
    """
    with django_db_blocker.unblock():
        with template.prepared(request.config) as is_copy:
            keep = is_copy and connection.vendor == "sqlite"
            with template.without_time_limits():
                made = setup_databases(0, interactive=False, serialized_aliases=set(), keepdb=keep)
            if not is_copy:
                template.store(request.config)
        bring_back = pristine.snapshot(Path(os.environ["DATA_DIR"]))
    with pytest.MonkeyPatch.context() as patch:  # Django's own way has no public name
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: bring_back())
        yield bring_back
    if connection.vendor != "sqlite":  # a file goes with its folder
        with django_db_blocker.unblock(), template.without_time_limits():
            teardown_databases(made, 0)


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Browser]:
    """One browser for all tests of a worker: a start costs more than a page."""
    found = programs()
    if found is None:
        pytest.skip("needs chromium and chromedriver on the PATH")
    with browsing(found) as browser:
        yield browser


@pytest.fixture
def window(_chromium: Browser) -> Iterator[Browser]:
    """The window of a real browser; what a test leaves in it is gone after it."""
    yield _chromium
    _chromium.reset()


@pytest.fixture
def at_once() -> Callable[..., list[object]]:
    """Run a function in several threads at the same moment, each with its own connection.

    `at_once(call, 8)` gives the eight results, an exception as itself. The test needs
    `@pytest.mark.django_db(transaction=True)`, so that the threads see each other's rows.
    """

    def run(call: Callable[[], object], count: int) -> list[object]:
        together = threading.Barrier(count)

        def one(_number: int) -> object:
            together.wait(timeout=30)
            try:
                return call()
            except Exception as error:  # noqa: BLE001 - the test looks at each outcome
                return error
            finally:
                connections.close_all()

        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    return run
