"""An outside for rotators: it keeps what works for each key, refuses the rest, and journals."""

from collections import defaultdict
from dataclasses import dataclass, field

from security.rotation import registry
from security.rotation.registry import OutcomeUnknown, Rotator, TargetRefused


class Struck(BaseException):
    """The process ended here, as far as the code under test can tell."""


@dataclass
class World:
    """What works outside, by key; and what was asked of it, in order."""

    works: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    journal: list[tuple[str, str, int]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)  # steps that are answered by a no
    silent: set[str] = field(default_factory=set)  # steps that are done, and not answered
    broken: set[str] = field(default_factory=set)  # steps that are not done, and not answered
    most: int = 2  # values of one key that may work together

    def take(self, step, held):
        self.journal.append((step, held.key_id, held.number))
        if step in self.refuses:
            raise TargetRefused(f"{step} was refused")
        if step in self.broken:
            raise OutcomeUnknown(f"no answer to {step}")
        self.do(step, held)
        assert len(self.works[held.key_id]) <= self.most
        if step in self.silent:
            raise OutcomeUnknown(f"no answer to {step}")

    def do(self, step, held):
        works = self.works[held.key_id]
        if step == "set":
            works.add(held.value)
        elif step in {"undo", "revoke"}:
            works.discard(held.value)
        elif held.value not in works:
            raise TargetRefused("the value does not work")


class Target(Rotator):
    """Sets values in the world that the test has put here."""

    name = "test_target"
    title = "A target of the tests"
    needs_value = True
    world = World()

    def set(self, held):
        self.world.take("set", held)

    def test(self, held):
        self.world.take("test", held)

    def undo(self, held):
        self.world.take("undo", held)

    def revoke(self, held):
        self.world.take("revoke", held)


class OneAtATime(Target):
    """Has room for one value: whoever uses it is cut off while it changes."""

    name = "test_no_overlap"
    overlap = False


TARGET = Target()


def fresh_world():
    """Register the targets, and give them a world of this test's own."""
    for kind in (TARGET, OneAtATime()):
        registry.rotators.register(kind)
    Target.world = World()
    return Target.world
