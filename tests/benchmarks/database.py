"""A test database of a benchmark's own, and an API client in this process.

On PostgreSQL where DATABASE_URL names one, else on SQLite. Django is set up only on entering: until
then nothing of the project can be imported, which is why imports stand inside functions.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def database(*more_apps: str) -> Iterator[None]:
    """A migrated, empty database for the block, dropped after it; `more_apps` are peers' tables."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django  # noqa: PLC0415 - the environment must be set first
    from django.conf import settings  # noqa: PLC0415 - the same

    settings.INSTALLED_APPS.extend(more_apps)
    django.setup()
    from django.test.utils import (  # noqa: PLC0415 - only now
        setup_databases,
        setup_test_environment,
        teardown_databases,
    )

    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        yield
    finally:
        teardown_databases(databases, verbosity=0)


def on_both(module: str, arguments: Sequence[str]) -> int:
    """Run a benchmark on SQLite, then on a PostgreSQL of this run; 1 where one missed a target."""
    from aethercrown.embedded import postgres  # noqa: PLC0415 - only here

    command = [sys.executable, "-m", module, *arguments]
    with postgres.running() as server:
        done = [
            subprocess.run(  # noqa: S603 - our own module
                [*command, "--only", vendor], env=os.environ | {"DATABASE_URL": url}, check=False
            )
            for vendor, url in (("sqlite", ""), ("postgresql", server.url()))
        ]
    return max(each.returncode for each in done)


def api_client(scope: str) -> Any:
    """An API client in this process, with a key of that scope and no rate limit."""
    from django.conf import settings  # noqa: PLC0415 - Django is set up only now

    from security.apikeys import services as keys  # noqa: PLC0415
    from tests.callers import Caller  # noqa: PLC0415

    settings.API_RATE_PER_SECOND, settings.API_BURST = 1_000_000, 1_000_000
    made = Caller(keys.create("benchmark", [scope]).plaintext)
    gc.collect()
    gc.freeze()  # as the web server does before it forks
    return made
