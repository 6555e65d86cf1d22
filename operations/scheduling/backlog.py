"""The queue in memory: what waits, what runs, what ended, and who takes what next."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from operations.scheduling import wait_reason
from operations.scheduling.planner.graph import Cyclic, path
from operations.scheduling.planner.urgency import LONGEST, SHORTEST, key

NOWHERE = (inf, inf)
STATUSES = ("pending", "queued", "running", "completed", "failed")


class UnknownTask(LookupError):
    """No task has this id."""


class NotRunning(ValueError):
    """Only a running task can be completed, and once."""


@dataclass(slots=True, eq=False)
class Entry:
    """A task as the backlog sees it. Times are seconds of the caller's clock.

    pending waits for another task, queued for a worker.
    """

    name: str
    needs: Sequence[str]
    pool: str
    weight: float
    estimate: float
    created_at: float
    number: int = 0
    status: str = "pending"
    missing: int = 0  # needs that are not completed
    ready_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    worker: str | None = None
    hand: int = -1  # the worker's number in its pool
    error: str = ""
    gain: float = 0.0  # of the best chain from here: its weights
    cost: float = 1.0  # and its seconds
    place: tuple[float, float] = NOWHERE  # in the queue, lowest first

    @property
    def ended(self) -> bool:
        return self.status in {"completed", "failed"}

    @property
    def begun(self) -> bool:
        return self.started_at is not None


class Backlog:
    """Tasks and workers; `pools` maps the name of a pool to its workers."""

    def __init__(self, pools: Mapping[str, Iterable[str]], *, strict: bool = False) -> None:
        self.strict = strict
        self.workers = {pool: tuple(names) for pool, names in pools.items()}
        self.idle = {pool: list(range(len(names))) for pool, names in self.workers.items()}
        self.entries: dict[str, Entry] = {}
        self.open: dict[str, Entry] = {}  # those that have not ended
        self.waiters: defaultdict[str, list[str]] = defaultdict(list)
        self.queues: defaultdict[str, list[tuple[tuple[float, float], int, str]]]
        self.queues = defaultdict(list)
        self.stale: set[str] = set()  # whose chains have changed
        self.running: dict[str, Entry] = {}
        self.count = Counter(dict.fromkeys(STATUSES, 0))

    def entry(self, name: str) -> Entry:
        if name not in self.entries:
            raise UnknownTask(f"there is no task {name}")
        return self.entries[name]

    def add(self, entry: Entry) -> None:
        """Take a task in; what it needs may come later. Raises Cyclic, and then stores nothing."""
        self.refuse_cycle(entry)
        entry.number = len(self.entries)
        self.entries[entry.name] = self.open[entry.name] = entry
        self.count[entry.status] += 1
        self.stale.add(entry.name)
        met = {name: self.entries[name].status for name in entry.needs if name in self.entries}
        entry.missing = sum(met.get(name) != "completed" for name in entry.needs)
        for name in entry.needs:
            self.waiters[name].append(entry.name)
        lost = next((name for name, status in met.items() if status == "failed"), None)
        if lost is not None:
            self.lose(entry, f"dependency {lost} failed", entry.created_at)
        elif not entry.missing:
            self.make_ready(entry, entry.created_at)

    def refuse_cycle(self, entry: Entry) -> None:
        """A new task closes a ring only if something that it needs waits for it already."""
        if not any(name in self.entries for name in entry.needs):
            return
        came = {entry.name: entry.name}
        line = [entry.name]
        for name in line:
            if name in entry.needs:
                raise Cyclic([path(came, entry.name, name)])
            for waiter in self.waiters.get(name, ()):
                if waiter not in came:
                    came[waiter] = name
                    line.append(waiter)

    def take(self, now: float) -> Iterator[Entry]:
        """Give every free worker the first task in its pool's line."""
        self.refresh()
        for pool, idle in self.idle.items():
            queue = self.queues[pool]
            while idle and queue:
                place, _, name = heappop(queue)
                entry = self.entries[name]
                if entry.status != "queued" or entry.place != place:
                    continue  # left over from before its urgency changed
                entry.hand = heappop(idle)
                entry.worker = self.workers[pool][entry.hand]
                entry.started_at = now
                self.running[entry.name] = entry
                self.move(entry, "running")
                yield entry

    def end(self, entry: Entry, error: str | None, now: float) -> None:
        """A running task completed, or failed with an error; its worker is free again."""
        if entry.begun and entry.status == ("completed" if error is None else "failed"):
            return
        if entry.status != "running":
            raise NotRunning(f"task {entry.name} is {entry.status}, not running")
        del self.running[entry.name]
        heappush(self.idle[entry.pool], entry.hand)
        if error is not None:
            self.lose(entry, error, now)
            return
        entry.ended_at = now
        self.move(entry, "completed")
        for name in self.waiters[entry.name]:
            waiter = self.entries[name]
            waiter.missing -= 1
            if not waiter.missing and not waiter.ended:
                self.make_ready(waiter, now)

    def lose(self, entry: Entry, error: str, now: float) -> None:
        """A task failed, and with it all that waits for it, however far off."""
        lost = [(entry, error)]
        for each, why in lost:
            if each.ended:
                continue
            each.error, each.ended_at = why, now
            self.move(each, "failed")
            self.stale.update(name for name in each.needs if name in self.entries)
            below = f"dependency {each.name} failed"
            lost.extend((self.entries[name], below) for name in self.waiters[each.name])

    def make_ready(self, entry: Entry, now: float) -> None:
        entry.ready_at = now
        self.move(entry, "queued")
        self.line_up(entry)

    def move(self, entry: Entry, status: str) -> None:
        self.count[entry.status] -= 1
        self.count[status] += 1
        entry.status = status
        if entry.ended:
            del self.open[entry.name]

    def line_up(self, entry: Entry) -> None:
        """Put a ready task in its place; an older place of its own no longer counts."""
        if entry.ready_at is None or entry.name in self.stale:
            return
        lead = -entry.weight if self.strict else 0.0
        place = (lead, key(entry.ready_at, entry.gain / entry.cost))
        if place != entry.place:
            entry.place = place
            heappush(self.queues[entry.pool], (place, entry.number, entry.name))

    def refresh(self) -> None:
        """Renew the chain ratios of what changed and of all that it waits for, backwards."""
        touched = self.touched()
        self.stale.clear()
        after = {name: sum(each in touched for each in self.waiters[name]) for name in touched}
        line = [name for name, count in after.items() if not count]
        for name in line:
            entry = self.entries[name]
            self.renew(entry)
            if entry.status == "queued":
                self.line_up(entry)
            for need in touched.intersection(entry.needs):
                after[need] -= 1
                if not after[need]:
                    line.append(need)

    def touched(self) -> set[str]:
        """What is stale, and all it needs that has not begun, however far off."""
        line = list(self.stale)
        touched = set(line)
        for name in line:
            for need in self.entries[name].needs:
                entry = self.entries.get(need)
                if entry and need not in touched and not entry.begun:
                    touched.add(need)
                    line.append(need)
        return touched

    def renew(self, entry: Entry) -> None:
        """The best chain from here, as `urgency.chain_ratios` has it."""
        gain, cost = entry.weight, min(max(entry.estimate, SHORTEST), LONGEST)
        entry.gain, entry.cost = gain, cost
        for name in self.waiters[entry.name]:
            waiter = self.entries[name]
            if waiter.ended:
                continue  # it failed: nobody hurries for it
            longer, dearer = gain + waiter.gain, cost + waiter.cost
            if longer * entry.cost > entry.gain * dearer:
                entry.gain, entry.cost = longer, dearer

    def unknown(self) -> list[tuple[str, str]]:
        """Every (task, dependency) whose dependency nobody has added."""
        return [
            (task, need)
            for need, tasks in self.waiters.items()
            if need not in self.entries
            for task in tasks
            if not self.entries[task].ended
        ]

    def why(self, entry: Entry) -> str:
        """What a task waits for, or how it ended, for a person."""
        if entry.status == "pending":
            return wait_reason.blocked(self.unmet(entry))
        if entry.status != "queued":
            return f"{entry.status}: {entry.error}" if entry.error else entry.status
        if not self.workers[entry.pool]:
            return wait_reason.no_worker(entry.pool)
        return wait_reason.behind(self.ahead(entry))

    def ahead(self, entry: Entry) -> int:
        """How many ready tasks of its pool go before a ready task."""
        self.refresh()
        turn = (entry.place, entry.number)
        return sum(
            other.status == "queued"
            and other.pool == entry.pool
            and (other.place, other.number) < turn
            for other in self.open.values()
        )

    def unmet(self, entry: Entry) -> list[str]:
        """The dependencies that are not completed."""
        return [
            name if name in self.entries else f"{name} (unknown)"
            for name in entry.needs
            if name not in self.entries or self.entries[name].status != "completed"
        ]
