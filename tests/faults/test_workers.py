"""Kill -9 of what runs automations, at random moments: nothing lost, nothing twice."""

import contextlib
import json
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from statistics import median

import pytest

from aethercrown.embedded import postgres
from tests.faults.crew import crew, wait_for

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "200"))
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KINDS = ("child", "child", "worker", "worker", "broker", "beat")
TAKEN_UP_SECONDS = 30.0
LAST = 3  # attempt
PAUSE_SECONDS = (1.0, 6.0)  # what was killed takes as long to come back
SETTLED_SECONDS = 240.0
SWITCH_OFF = (
    "import django; django.setup();"
    " from operations.automations.models import Automation;"
    " Automation.objects.update(is_enabled=False)"
)


def report(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def strike(held, kind, chance):
    """Kill one, and start it again; the (run, attempt, when) that it held, or None for nobody.

    What is in its last attempt is spared: three lost workers are the end of a run by rule.
    """
    if kind == "broker":
        os.kill(broker_pid(held), signal.SIGKILL)
        held.broker.stop()
        held.start_broker()
        return []
    if kind == "beat":
        held.kill("beat-0")
        held.beats_killed.append(time.time())
        held.start_beat("beat-0")
        return []
    held.restart_ended()
    found = [(run, attempt, pid, held.owner(pid)) for run, attempt, pid in held.running()]
    spared = {owner for _run, attempt, _pid, owner in found if attempt >= LAST}
    at_work = [each for each in found if each[3] and each[3] not in spared]
    if not at_work:
        return None
    run, attempt, pid, name = chance.choice(at_work)
    moment = time.time()
    if kind == "child":
        os.kill(pid, signal.SIGKILL)
        return [(run, attempt, moment)]
    held.kill(name)
    held.start_worker(name)
    return [(run, attempt, moment) for run, attempt, _pid, owner in at_work if owner == name]


def broker_pid(held):
    import redis  # noqa: PLC0415 - only this case

    with redis.Redis.from_url(held.address.url) as client:
        return client.info("server")["process_id"]


def taken_up(held, run, attempt):
    """Whether a later attempt has begun, or the run had ended before the blow fell."""
    held.restart_ended()
    [(state, now)] = held.rows("SELECT state, attempt FROM operations_run WHERE id = ?", run)
    return now > attempt or state == "done"


def taken_up_in_time(held, run, attempt):
    try:
        return wait_for(lambda: taken_up(held, run, attempt), 2 * TAKEN_UP_SECONDS)
    except TimeoutError:
        return False


def standing(held, left):
    """What was to be seen when runs were not taken up: their rows, and who was at work."""
    marks = ", ".join(str(run) for run, _attempt in left)
    query = "SELECT id, state, attempt, lease_until, not_before FROM operations_run WHERE id IN"
    return {
        "lost": len(left),
        "twice": 0,
        "left": held.rows(f"{query} ({marks})"),  # numbers of our own
        "alive": sorted(name for name, each in held.at_work.items() if each.poll() is None),
        "ended_by_themselves": held.fallen,
        "queues": waiting_messages(held),
    }


def waiting_messages(held):
    import redis  # noqa: PLC0415 - only this case

    with redis.Redis.from_url(held.address.url) as client:
        lists = [each for each in client.keys("*") if client.type(each) == b"list"]
        return {each.decode(): client.llen(each) for each in lists}


def delays(held, struck):
    """Seconds from each blow to the next attempt's beginning; nothing where it had ended.

    By run, for a look at the longest: with the seconds since the last blow to beat.
    """
    begun: dict[int, list[float]] = {}
    for line in held.noted():
        if line["what"] == "begin":
            begun.setdefault(line["run"], []).append(line["at"])
    found = []
    for run, attempt, moment in struck:
        later = [at for at in begun.get(run, []) if at > moment]
        since = min((moment - at for at in held.beats_killed if at < moment), default=None)
        if later:
            found.append((round(min(later) - moment, 1), run, attempt, since and round(since, 1)))
    return sorted(found, reverse=True)


def settled(held):
    """Nothing is queued or at work: every slot that was entered has come to its end."""
    held.restart_ended()
    return not held.rows(
        "SELECT 1 FROM operations_run WHERE state IN ('queued', 'running') LIMIT 1"
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_random_kills_lose_nothing_and_repeat_nothing(database, tmp_path):
    with contextlib.ExitStack() as server:
        is_server = database == "postgresql"
        url = server.enter_context(postgres.running()).url() if is_server else ""
        outcome = blows(tmp_path / "data", ROUNDS, SEED, KINDS, url)
    report(fault="kill -9 while automations run", database=database, seed=SEED, kills=ROUNDS,
           **outcome)  # fmt: skip
    assert outcome["verdict"] == "ok"


def blows(
    folder, rounds, seed, kinds, database="", *, every=10, pause=PAUSE_SECONDS, **crew_members
):
    """Strike so often, at random, and tell what became of every run.

    Each automation is due `every` so many seconds; between two blows lies a `pause`. The crew may
    have other members than three workers, a beat and a web server.
    """
    chance = random.Random(seed)  # noqa: S311 - a replayable moment, no secret
    struck: list[tuple[int, int, float]] = []
    dealt: Counter[str] = Counter()
    with crew(
        folder, works=6, every=every, seconds=(3.0,), database=database, **crew_members
    ) as held:
        while dealt.total() < rounds:
            time.sleep(chance.uniform(*pause))
            kind = chance.choice(kinds)
            blow = strike(held, kind, chance)
            if blow is None:
                continue
            dealt[kind] += 1
            struck += blow
        left = [each[:2] for each in struck if not taken_up_in_time(held, *each[:2])]
        if left:
            return {"kinds": dict(dealt), "verdict": "failed", **standing(held, left)}
        held.call("-c", SWITCH_OFF)
        wait_for(lambda: settled(held), SETTLED_SECONDS)
        outcome = {**tally(held, struck), "ended_by_themselves": held.fallen}
    is_good = outcome["lost"] == outcome["twice"] == 0
    is_good = is_good and outcome["slowest_taken_up"] <= TAKEN_UP_SECONDS
    verdict = "ok" if is_good else "failed"
    return {"kinds": dict(dealt), "load": os.getloadavg()[0], **outcome, "verdict": verdict}


def tally(held, struck):
    """What became of every run; `lost` counts slots without one, and runs without effect."""
    states = Counter(dict(held.rows("SELECT state, COUNT(*) FROM operations_run GROUP BY state")))
    done = {run for (run,) in held.rows("SELECT id FROM operations_run WHERE state = 'done'")}
    effects = Counter(line["run"] for line in held.noted() if line["what"] == "effect")
    rows = {int(run) for (run,) in held.rows(
        "SELECT key FROM aethercrown_idempotencyrecord WHERE principal = 'fault'")}  # fmt: skip
    slots = held.rows(
        "SELECT MIN(planned_for), MAX(planned_for), COUNT(*) FROM operations_run"
        " GROUP BY automation_id"
    )
    holes = sum(planned(first, last, held.every) - count for first, last, count in slots)
    told = delays(held, struck)
    waits = [wait for wait, *_ in told]
    return {
        "runs": states.total(),
        "done": states["done"],
        "lost": states.total() - states["done"] + holes + len(done - rows),
        "twice": sum(count > 1 for count in effects.values()),
        "taken_up": len(waits),
        "slowest_taken_up": max(waits, default=0.0),
        "median_taken_up": round(median(waits or [0.0]), 1),
        "wait_run_attempt_since_beat": told[:5],
    }


def planned(first, last, every):
    """How many slots there are from the first to the last, both counted."""
    from datetime import datetime  # noqa: PLC0415 - only here

    begin, end = (datetime.fromisoformat(str(each)) for each in (first, last))
    return round((end - begin).total_seconds() / every) + 1


def test_three_beats_make_one_run_for_each_planned_time(tmp_path):
    with crew(tmp_path / "data", workers=1, beats=3, works=1, every=5, seconds=(0.2,)) as held:
        time.sleep(60)
        runs = held.rows("SELECT state, trigger, planned_for FROM operations_run")
        sent = held.rows(
            "SELECT total_run_count FROM django_celery_beat_periodictask WHERE name = 'fault.0'"
        )[0][0]
        begun = sum(line["what"] == "begin" for line in held.noted())
    times = {moment for _state, _trigger, moment in runs}
    share = begun / len(times)
    verdict = "ok" if share <= 1.0 and begun >= 10 else "failed"
    report(fault="three beats", planned=len(times), runs=begun, counted_by_beats=sent,
           runs_per_planned_time=round(share, 2), verdict=verdict)  # fmt: skip
    assert verdict == "ok"
