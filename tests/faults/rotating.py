"""Four workers that rotate keys and are killed: `python -m tests.faults.rotating WHAT COUNT SEED`.

This process loads Django once and forks the workers, so that a new one starts quickly. It sends
real SIGKILLs, only to its own children. The target is a folder: a value works for a key while a
file of that name exists. It refuses some calls, and sometimes gives no answer after acting.

WHAT is `random`: COUNT kills at random moments, or `exact`: one at each failpoint, in each kind
of rotation. Prints one line of JSON.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.security.rotation import invariants

WORKERS = 4
TARGETS, PLAIN, ISSUED = 24, 12, 4
PAUSE_SECONDS = (0.002, 0.12)  # between two kills
CHECK_EVERY = 200  # kills between two checks of every key
NO_ANSWER_SHARE, REFUSED_SHARE = 0.04, 0.02
TARGET_FOLDER = Path(os.environ.get("FAULT_OUTSIDE", "outside"))


def main():
    import django  # noqa: PLC0415 - its settings come from the environment

    django.setup()
    what, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    register_target(random.Random(seed))  # noqa: S311 - a replayable moment, no secret
    register_keys()
    outcome = kill_at_random(count, seed) if what == "random" else kill_at_failpoints()
    found = violations()
    good = not found and not outcome["broken"]
    result = {**outcome, "left_broken": found[:5], "verdict": "ok" if good else "failed"}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if good else 1


# --- The target ---------------------------------------------------------------------------------
def value_file(key_id, value):
    return TARGET_FOLDER / key_id / hashlib.sha256(value.encode()).hexdigest()


def note_number(context):
    """Which value a version has: an old one is erased in the database before it is ended here."""
    return TARGET_FOLDER / context.key_id / f"version-{context.number}"


def set_value(kind, context):
    def write():
        file = value_file(context.key_id, context.value)
        note_number(context).write_text(file.name, encoding="ascii")
        file.touch()

    perhaps(kind, write)


def test_value(kind, context):
    if not value_file(context.key_id, context.value).exists():
        raise no("it does not work")
    perhaps(kind, lambda: None)


def end_value(_kind, context):
    note = note_number(context)
    if note.exists():
        (note.parent / note.read_text(encoding="ascii")).unlink(missing_ok=True)
    elif context.value:
        value_file(context.key_id, context.value).unlink(missing_ok=True)


def no(words):
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    return registry.TargetRefused(words)


def perhaps(kind, act):
    """Act or refuse at random, and sometimes give no answer."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    if kind.chance.random() < REFUSED_SHARE:
        raise no("no")
    act()
    if kind.chance.random() < NO_ANSWER_SHARE:
        raise registry.OutcomeUnknown("nothing heard")


def register_target(chance):
    """Register the target's rotator; `chance` decides what it refuses and leaves unanswered."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    steps = {"set": set_value, "test": test_value, "undo": end_value, "revoke": end_value}
    about = {"name": "fault_target", "title": "A folder", "needs_value": True, "chance": chance}
    registry.rotators.register(type("Outside", (registry.Rotator,), {**steps, **about})())


def seed_target(chance):
    """Give this process's target its own random numbers."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    kind: Any = registry.rotators.get("fault_target")
    kind.chance = chance


def register_keys():
    """Register every key, with its first value at the target."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now

    for number in range(TARGETS):
        key_id = f"target-{number}"
        (TARGET_FOLDER / key_id).mkdir(parents=True)
        value_file(key_id, "first").touch()
        services.register(key_id, "x", rotator="fault_target", value="first")
    for number in range(PLAIN):
        services.register(f"plain-{number}", "x")
    for number in range(ISSUED):
        scopes = {"scopes": ["revenue:read"]}
        services.register(f"issued-{number}", "x", rotator="platform_api_key", config=scopes)


# --- Workers ------------------------------------------------------------------------------------
def forked(act):
    """Fork a child that runs `act` and exits; returns its process id."""
    from django.db import connections  # noqa: PLC0415 - Django is set up only now

    from aethercrown.embedded import parent_death  # noqa: PLC0415 - with it

    connections.close_all()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        parent_death.die_with_parent(parent, signal.SIGKILL)  # no worker outlives this process
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        act()
        code = 0
    except BaseException as error:  # noqa: BLE001 - the child ends here, whatever it was
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


def work(seed):
    """Rotate, compromise and resume at random, forever; refusals are expected."""
    from django.db import OperationalError  # noqa: PLC0415 - Django is set up only now

    from aethercrown.history.attribution import acting  # noqa: PLC0415
    from security.rotation import services  # noqa: PLC0415

    chance = random.Random(seed)  # noqa: S311 - a replayable moment, no secret
    seed_target(chance)
    while True:
        try:
            with acting(f"worker:{os.getpid()}"):
                rotate_something(chance)
        except (services.InvalidTransition, services.SecretNotFound, OperationalError):
            continue


def rotate_something(chance):
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import ManagedSecret  # noqa: PLC0415
    from security.rotation.services.steps import RotationRequest  # noqa: PLC0415

    luck = chance.random()
    if luck < 0.15:
        services.resume_unfinished()
    elif luck < 0.2:
        keys = list(ManagedSecret.objects.filter(rotator="generated").order_by("?")[:6])
        order = RotationRequest("scheduled")
        services.rotate_many(keys, order)
    else:
        prefix, count = chance.choice(
            [("target", TARGETS)] * 3 + [("plain", PLAIN), ("issued", ISSUED)]
        )
        reason = chance.choice(["manual", "scheduled", "compromised"])
        services.rotate(
            f"{prefix}-{chance.randrange(count)}", reason=reason, end_previous=chance.random() < 0.9
        )


def expire_leases(pid=None):
    """Expire the killed worker's leases at once instead of after five minutes."""
    from security.audit.models import Event  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import ManagedSecret  # noqa: PLC0415

    leased = ManagedSecret.objects.exclude(lease_until=None)
    ManagedSecret.objects.filter(state="active").exclude(next_attempt_at=None).update(
        next_attempt_at=None
    )
    for key in leased:
        claims = Event.objects.filter(
            stream=f"key:{key.pk}", event__in=["key.claimed", "key.created"]
        )
        last = claims.order_by("-seq").first()
        if pid is None or last is None or last.actor == f"worker:{pid}":
            ManagedSecret.objects.filter(pk=key.pk, fencing_token=key.fencing_token).update(
                lease_until=None
            )


# --- Checking -----------------------------------------------------------------------------------
def violations():
    """The violated invariants of all keys, in the database and at the target."""
    from security.rotation.models import ManagedSecret  # noqa: PLC0415 - Django is set up only now
    from tests.security.rotation.stored import current_value  # noqa: PLC0415

    found = []
    for key in ManagedSecret.objects.prefetch_related("versions"):
        rows = [
            invariants.VersionState(
                each.number, each.state, each.sealed is not None, each.destroyed_at is not None
            )
            for each in key.versions.all()
        ]
        found += [f"{key}: {words}" for words in invariants.violations(key.state, rows)]
        if (
            key.rotator == "fault_target"
            and not value_file(key.key_id, current_value(key.key_id)).exists()
        ):
            found.append(f"{key}: the current value does not work outside")
    return found


def finish_all():
    """Finish everything without further kills; whether nothing is pending."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import SecretVersion  # noqa: PLC0415

    for _ in range(20):
        expire_leases()
        services.resume_unfinished()
        if not SecretVersion.objects.filter(state="pending").exists():
            return True
    return False


def kill_at_random(count, seed):
    chance = random.Random(seed)  # noqa: S311 - a replayable moment, no secret
    began = time.monotonic()
    alive = [forked(lambda number=number: work(seed + number)) for number in range(WORKERS)]
    broken = []
    try:
        for kill in range(count):
            time.sleep(chance.uniform(*PAUSE_SECONDS))
            place = chance.randrange(WORKERS)
            pid = alive[place]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            expire_leases(pid)
            alive[place] = forked(lambda kill=kill: work(seed + WORKERS + kill))
            if kill % CHECK_EVERY == CHECK_EVERY - 1:
                broken += violations()
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return {"kills": count, "seconds": round(time.monotonic() - began), "settled": finish_all(),
            "broken": broken[:5], **tally()}  # fmt: skip


def tally():
    from django.db.models import Count  # noqa: PLC0415 - Django is set up only now

    from security.audit.models import Event  # noqa: PLC0415
    from security.rotation.models import ManagedSecret, SecretVersion  # noqa: PLC0415

    states = dict(SecretVersion.objects.values_list("state").annotate(count=Count("pk")).order_by())
    lost = Event.objects.filter(event="key.lease_lost").count()
    resumed = Event.objects.filter(event="key.resumed").count()
    return {
        "keys": ManagedSecret.objects.count(),
        "versions": states,
        "resumed": resumed,
        "lost_leases": lost,
    }


def kill_at_failpoints():
    """Kill a child at each failpoint."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now

    seed_target(Never())
    broken, kills = [], 0
    for name in invariants.FAILPOINTS:
        for key_id in ("target-0", "plain-0", "issued-0"):
            struck = forked(lambda name=name, key_id=key_id: rotate_and_die(name, key_id))
            kills += os.WIFSIGNALED(os.waitpid(struck, 0)[1])
            broken += violations()
            if not finish_all():
                broken.append(f"{key_id} is not settled after {name}")
            broken += violations()
            services.rotate(key_id, end_previous=True)  # and it rotates again
            broken += violations()
    return {"points": len(invariants.FAILPOINTS), "kills": kills, "broken": broken[:5], **tally()}


class Never:
    def random(self):
        return 1.0


def rotate_and_die(name, key_id):
    from security.rotation import registry, services  # noqa: PLC0415 - Django is set up only now

    def failpoint(passed):
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    if name.endswith(("_fail", "_undo", "_release")):  # only where a value is given up
        kind: Any = type(registry.rotators.get("fault_target"))
        kind.set = lambda _self, _context: (_ for _ in ()).throw(registry.TargetRefused("no"))
    services.rotate(key_id, reason="compromised", failpoint=failpoint)


if __name__ == "__main__":
    sys.exit(main())
