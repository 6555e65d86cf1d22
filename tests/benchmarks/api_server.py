"""The processes of tests/benchmarks/api.py; settings come from the environment.

`... prepare` migrates, stores TASKS tasks and prints an API key. `... product SOCKET` and
`... peers SOCKET` serve on an inherited socket, by gunicorn as the product runs it.
"""

import os
import sys
from datetime import timedelta
from itertools import pairwise

TASKS = 5_000
SCOPE = "optimization:read"


def main(arguments: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    if arguments == ["prepare"]:
        prepare()
    else:
        serve(arguments[0], int(arguments[1]))


def serve(name: str, socket: int) -> None:
    from aethercrown.embedded import roles  # noqa: PLC0415 - once the environment is set

    if name == "peers":
        from tests.benchmarks import api_peers  # noqa: PLC0415 - the same

        application = api_peers.application()
    else:
        application = roles.load_application()
    roles.load_other_roles()
    roles.web(application, socket)


def prepare() -> None:
    import django  # noqa: PLC0415 - once the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - the same
    from django.db import connection  # noqa: PLC0415 - the same

    from security.apikeys import services  # noqa: PLC0415 - the same

    call_command("migrate", interactive=False, verbosity=0)
    store_tasks()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    sys.stdout.write(services.create("benchmark", [SCOPE]).plaintext)


def store_tasks() -> None:
    """One in three waits for the task before it, one in eight runs, the rest are queued."""
    from django.utils import timezone  # noqa: PLC0415 - once Django is set up

    from operations.scheduling.models import (  # noqa: PLC0415 - the same
        Dependency,
        Pool,
        Task,
        Worker,
    )

    now = timezone.now()
    pool, _ = Pool.objects.get_or_create(name="default")
    workers = Worker.objects.bulk_create(Worker(name=f"agent-{n}", pool=pool) for n in range(16))
    tasks = []
    for number in range(TASKS):
        at = now - timedelta(seconds=number)
        status = "pending" if number % 3 == 2 else "running" if number % 8 == 0 else "queued"
        runs, worker = status == "running", workers[number % 16]
        tasks.append(
            Task(
                task_id=f"task-{number}",
                task_type="train",
                priority=number % 4 + 1,
                estimated_duration=number % 600 + 0.5,
                estimate_used=number % 600 + 0.5,
                pool=pool,
                status=status,
                unmet_dependencies=int(status == "pending"),
                chain_weight=1.0,
                chain_seconds=1.0,
                queue_key=float(number),
                created_at=at,
                ready_at=None if status == "pending" else at,
                started_at=at if runs else None,
                worker=worker if runs else None,
                lease_until=now + timedelta(days=1) if runs else None,
                planned_start=at,
                planned_worker=worker.name,
            )
        )
    stored = Task.objects.bulk_create(tasks)
    Dependency.objects.bulk_create(
        Dependency(task=task, needs=before)
        for before, task in pairwise(stored)
        if task.status == "pending"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
