"""Few tasks, every order: the best makespan there is, and so its own proof."""

from collections.abc import Iterator, Sequence

from operations.scheduling.planner.bounds import EXACT
from operations.scheduling.planner.placement import NOBODY, Placement, Work

FEW = 8  # tasks: all orders take some milliseconds, a tenth of a second at worst
STARTS = 8  # of list scheduling before all orders are tried


class Orders:
    """Depth first through all orders in which tasks can begin, cut off where none gets better.

    Each task in turn begins as early as it can, but not before those in place: of all such
    orders one gives an optimum, and that may leave a worker waiting on purpose. Nothing may run
    already, and every pool needs a worker.
    """

    def __init__(self, work: Work, levels: Sequence[float], known: Placement) -> None:
        first, after = work.graph.rows
        self.work, self.levels, self.best = work, levels, known
        self.waiters = [after[first[task] : first[task + 1]] for task in range(work.size)]
        self.missing = work.graph.needs.copy()
        self.start = [0.0] * work.size
        self.worker = [NOBODY] * work.size
        self.ready_at = [0.0] * work.size
        self.free_at = [0.0] * len(work.workers)
        self.seen: set[tuple[object, ...]] = set()
        self.left = sum(work.seconds)
        whole = all(each.is_integer() for each in work.seconds)
        self.step = 1.0 - EXACT if whole else EXACT  # any better end is better by more than this

    def extend(self, placed: list[int], end: float) -> None:
        """Try every task that can come after those in place, which all end by `end`."""
        if len(placed) == self.work.size:
            self.best = Placement(self.start.copy(), self.worker.copy(), end)
            return
        last = self.start[placed[-1]] if placed else 0.0
        if self.known(placed, last):
            return
        for task, hand, start in self.choices(placed, last):
            limit = self.best.end - self.step
            room = sum(limit - max(last, each) for each in self.free_at)
            if self.left <= room and start + self.levels[task] <= limit:
                self.place(placed, task, hand, start, end)

    def known(self, placed: list[int], last: float) -> bool:
        """Whether other orders have led to the same workers free and tasks ready, as soon."""
        free = sorted(zip(self.work.workers, self.free_at, strict=True))
        ready = [each for task, each in enumerate(self.ready_at) if self.worker[task] == NOBODY]
        state = (frozenset(placed), tuple(free), tuple(ready), last)
        if state in self.seen:
            return True
        self.seen.add(state)
        return False

    def choices(self, placed: list[int], last: float) -> Iterator[tuple[int, int, float]]:
        """Tasks that can come next, with worker and start.

        Of tasks that begin together only one order is tried, by number, where they allow that.
        """
        before = placed[-1] if placed else NOBODY
        for task in range(self.work.size):
            if self.missing[task] or self.worker[task] != NOBODY:
                continue
            hand = self.hand(task)
            start = max(self.ready_at[task], self.free_at[hand])
            same = start == last and task < before and task not in self.waiters[before]
            if start >= last and not same:
                yield task, hand, start

    def hand(self, task: int) -> int:
        """The worker that has been free for the shortest time, or will be free first."""
        ready, free_at = self.ready_at[task], self.free_at
        pool = self.work.lines[task]
        hands = [hand for hand, each in enumerate(self.work.workers) if each == pool]
        idle = [hand for hand in hands if free_at[hand] <= ready]
        if idle:
            return max(idle, key=free_at.__getitem__)
        return min(hands, key=free_at.__getitem__)

    def place(self, placed: list[int], task: int, hand: int, start: float, end: float) -> None:
        """Put one task there, go on with the rest, and take it away again."""
        seconds, was_free = self.work.seconds[task], self.free_at[hand]
        ready = [self.ready_at[each] for each in self.waiters[task]]
        self.start[task], self.worker[task] = start, hand
        self.free_at[hand] = start + seconds
        self.left -= seconds
        for each in self.waiters[task]:
            self.missing[each] -= 1
            self.ready_at[each] = max(self.ready_at[each], start + seconds)

        self.extend([*placed, task], max(end, start + seconds))

        for each, was_ready in zip(self.waiters[task], ready, strict=True):
            self.missing[each] += 1
            self.ready_at[each] = was_ready
        self.worker[task], self.free_at[hand] = NOBODY, was_free
        self.left += seconds


def best(work: Work, levels: Sequence[float], known: Placement) -> Placement:
    """A placement with the least makespan there can be; `known` where nothing beats it."""
    orders = Orders(work, levels, known)
    orders.extend([], 0.0)
    return orders.best
