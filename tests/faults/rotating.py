"""Four workers that rotate keys and are killed: `python -m tests.faults.rotating WHAT COUNT SEED`.

This process has Django loaded and forks the workers, so that a new one is there in a moment; the
signals are real SIGKILLs, and only ever go to its own children. The outside is a folder: a value
works for a key as long as a file of that name is there, whoever is killed. It drops some answers
after acting, and refuses some calls.

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

WORKERS = 4
TARGETS, PLAIN, ISSUED = 24, 12, 4
PAUSE = (0.002, 0.12)  # seconds between two kills
LOOKS = 200  # kills between two looks at every key
DROPPED, SAID_NO = 0.04, 0.02
PLACE = Path(os.environ.get("FAULT_OUTSIDE", "outside"))


def main():
    import django  # noqa: PLC0415 - its settings come from the environment

    django.setup()
    from django.db import connection  # noqa: PLC0415 - only now

    connection.settings_dict["OPTIONS"].pop("pool", None)  # its threads survive no fork
    what, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    register_target(random.Random(seed))  # noqa: S311 - a replayable moment, no secret
    take_in()
    outcome = struck_at_random(count, seed) if what == "random" else struck_exactly()
    found = look()
    good = not found and not outcome["broken"]
    told = {**outcome, "left_broken": found[:5], "verdict": "ok" if good else "failed"}
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if good else 1


# --- The outside --------------------------------------------------------------------------------
def spot(key_id, value):
    return PLACE / key_id / hashlib.sha256(value.encode()).hexdigest()


def set_outside(kind, held):
    perhaps(kind, lambda: spot(held.key_id, held.value).touch())


def test_outside(kind, held):
    if not spot(held.key_id, held.value).exists():
        raise no("it does not work")
    perhaps(kind, lambda: None)


def end_outside(_kind, held):
    spot(held.key_id, held.value).unlink(missing_ok=True)


def no(words):
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    return registry.TargetRefused(words)


def perhaps(kind, act):
    """Do it, unless luck says no; and perhaps lose the answer."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    if kind.chance.random() < SAID_NO:
        raise no("no")
    act()
    if kind.chance.random() < DROPPED:
        raise registry.OutcomeUnknown("nothing heard")


def register_target(chance):
    """Make the outside known; `chance` decides what it refuses and drops."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    steps = {"set": set_outside, "test": test_outside, "undo": end_outside, "revoke": end_outside}
    about = {"name": "fault_target", "title": "A folder", "needs_value": True, "chance": chance}
    registry.rotators.register(type("Outside", (registry.Rotator,), {**steps, **about})())


def give_luck(chance):
    """Luck of its own for this process's outside."""
    from security.rotation import registry  # noqa: PLC0415 - Django is set up only now

    kind: Any = registry.rotators.get("fault_target")
    kind.chance = chance


def take_in():
    """Register every key, with its first value outside."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now

    for number in range(TARGETS):
        key_id = f"target-{number}"
        (PLACE / key_id).mkdir(parents=True)
        spot(key_id, "first").touch()
        services.register(key_id, "x", rotator="fault_target", value="first")
    for number in range(PLAIN):
        services.register(f"plain-{number}", "x")
    for number in range(ISSUED):
        scopes = {"scopes": ["revenue:read"]}
        services.register(f"issued-{number}", "x", rotator="platform_api_key", config=scopes)


# --- Workers ------------------------------------------------------------------------------------
def forked(act):
    """A child that does `act` and ends; its process id."""
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
    """Rotate, leak, tend and pass over, for ever; being refused is part of it."""
    from django.db import OperationalError  # noqa: PLC0415 - Django is set up only now

    from aethercrown.history.attribution import acting  # noqa: PLC0415
    from security.rotation import services  # noqa: PLC0415

    chance = random.Random(seed)  # noqa: S311 - a replayable moment, no secret
    give_luck(chance)
    while True:
        try:
            with acting(f"worker:{os.getpid()}"):
                turn(chance)
        except (services.InvalidTransition, services.SecretNotFound, OperationalError):
            continue


def turn(chance):
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import ManagedSecret  # noqa: PLC0415
    from security.rotation.services.steps import RotationRequest  # noqa: PLC0415

    luck = chance.random()
    if luck < 0.15:
        services.resume_unfinished()
    elif luck < 0.2:
        keys = list(ManagedSecret.objects.filter(rotator="generated").order_by("?")[:6])
        order = RotationRequest("scheduled")
        services.rotate_many(keys, order, services.database_now)
    else:
        prefix, count = chance.choice(
            [("target", TARGETS)] * 3 + [("plain", PLAIN), ("issued", ISSUED)]
        )
        reason = chance.choice(["manual", "scheduled", "compromised"])
        services.rotate(f"{prefix}-{chance.randrange(count)}", reason=reason)


def lapse(pid=None):
    """The killed worker's leases are over, rather than in five minutes; no other's."""
    from security.audit.models import Event  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import ManagedSecret  # noqa: PLC0415

    held = ManagedSecret.objects.exclude(lease_until=None)
    ManagedSecret.objects.filter(state="active").exclude(next_attempt_at=None).update(
        next_attempt_at=None
    )
    for key in held:
        claims = Event.objects.filter(
            stream=f"key:{key.pk}", event__in=["key.claimed", "key.created"]
        )
        last = claims.order_by("-seq").first()
        if pid is None or last is None or last.actor == f"worker:{pid}":
            ManagedSecret.objects.filter(pk=key.pk, fencing_token=key.fencing_token).update(
                lease_until=None
            )


# --- Looking ------------------------------------------------------------------------------------
def look():
    """What does not hold, of any key: in its rows, and outside."""
    from security.rotation import (
        services,  # noqa: PLC0415 - Django is set up only now
        states,  # noqa: PLC0415 - the same
    )
    from security.rotation.models import ManagedSecret  # noqa: PLC0415

    found = []
    for key in ManagedSecret.objects.prefetch_related("versions"):
        rows = [
            states.VersionState(
                each.number, each.state, each.sealed is not None, each.destroyed_at is not None
            )
            for each in key.versions.all()
        ]
        found += [f"{key}: {words}" for words in states.violations(key.state, rows)]
        if (
            key.rotator == "fault_target"
            and not spot(key.key_id, services.value(key.key_id)).exists()
        ):
            found.append(f"{key}: the current value does not work outside")
    return found


def settled():
    """Let everything come to its end, nobody being killed any more."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import SecretVersion  # noqa: PLC0415

    for _ in range(20):
        lapse()
        services.resume_unfinished()
        if not SecretVersion.objects.filter(state="pending").exists():
            return True
    return False


def struck_at_random(count, seed):
    chance = random.Random(seed)  # noqa: S311 - a replayable moment, no secret
    began = time.monotonic()
    alive = [forked(lambda number=number: work(seed + number)) for number in range(WORKERS)]
    broken = []
    try:
        for kill in range(count):
            time.sleep(chance.uniform(*PAUSE))
            place = chance.randrange(WORKERS)
            pid = alive[place]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            lapse(pid)
            alive[place] = forked(lambda kill=kill: work(seed + WORKERS + kill))
            if kill % LOOKS == LOOKS - 1:
                broken += look()
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return {"kills": count, "seconds": round(time.monotonic() - began), "settled": settled(),
            "broken": broken[:5], **tally()}  # fmt: skip


def tally():
    from django.db.models import Count  # noqa: PLC0415 - Django is set up only now

    from security.audit.models import Event  # noqa: PLC0415
    from security.rotation.models import ManagedSecret, SecretVersion  # noqa: PLC0415

    states = dict(SecretVersion.objects.values_list("state").annotate(count=Count("pk")).order_by())
    lost = Event.objects.filter(event="key.lost_lease").count()
    resumed = Event.objects.filter(event="key.resumed").count()
    return {
        "keys": ManagedSecret.objects.count(),
        "versions": states,
        "resumed": resumed,
        "lost_leases": lost,
    }


def struck_exactly():
    """The child kills itself at each failpoint, so that no luck is needed."""
    from security.rotation import failpoints, services  # noqa: PLC0415 - Django is set up only now

    give_luck(Never())
    broken, kills = [], 0
    for name in failpoints.NAMES:
        for key_id in ("target-0", "plain-0", "issued-0"):
            struck = forked(lambda name=name, key_id=key_id: blow(name, key_id))
            kills += os.WIFSIGNALED(os.waitpid(struck, 0)[1])
            broken += look()
            if not settled():
                broken.append(f"{key_id} is not settled after {name}")
            broken += look()
            services.rotate(key_id)  # and it rotates again
            broken += look()
    return {"points": len(failpoints.NAMES), "kills": kills, "broken": broken[:5], **tally()}


class Never:
    def random(self):
        return 1.0


def blow(name, key_id):
    from security.rotation import registry, services  # noqa: PLC0415 - Django is set up only now

    def strike(passed):
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    if name.endswith(("_fail", "_undo", "_release")):  # only where a value is given up
        kind: Any = type(registry.rotators.get("fault_target"))
        kind.set = lambda _self, _held: (_ for _ in ()).throw(registry.TargetRefused("no"))
    services.rotate(key_id, reason="compromised", failpoint=strike)


if __name__ == "__main__":
    sys.exit(main())
