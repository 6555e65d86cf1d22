"""A target for rotators in tests: it stores the working values and records every call."""

from collections import defaultdict
from dataclasses import dataclass, field

from security.rotation.registry import OutcomeUnknown, Rotator, TargetRefused, rotators


class Struck(BaseException):
    """Ends the process under test."""


@dataclass
class World:
    """The working values by key, and the calls in order."""

    works: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    numbered: dict[tuple[str, int], str] = field(default_factory=dict)
    journal: list[tuple[str, str, int]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)  # steps that the target refuses
    silent: set[str] = field(default_factory=set)  # steps that are done without an answer
    broken: set[str] = field(default_factory=set)  # steps that fail without an answer
    most: int = 2  # working values of one key at a time

    def take(self, step, context):
        self.journal.append((step, context.key_id, context.number))
        if step in self.refuses:
            raise TargetRefused(f"{step} was refused")
        if step in self.broken:
            raise OutcomeUnknown(f"no answer to {step}")
        self.do(step, context)
        assert len(self.works[context.key_id]) <= self.most
        if step in self.silent:
            raise OutcomeUnknown(f"no answer to {step}")

    def do(self, step, context):
        works = self.works[context.key_id]
        place = (context.key_id, context.number)
        if step == "set":
            works.add(context.value)
            self.numbered[place] = context.value
        elif step in {"undo", "revoke"}:  # by its number, as it may be erased already
            works.discard(self.numbered.get(place, context.value or "first"))
        elif context.value not in works:
            raise TargetRefused("the value does not work")


class Target(Rotator):
    """Sets values in the world of the current test."""

    name = "test_target"
    title = "A target of the tests"
    needs_value = True
    delivers = True
    world = World()

    def set(self, context):
        self.world.take("set", context)

    def test(self, context):
        self.world.take("test", context)

    def undo(self, context):
        self.world.take("undo", context)

    def revoke(self, context):
        self.world.take("revoke", context)


class OneAtATime(Target):
    """Accepts one value at a time."""

    name = "test_no_overlap"
    supports_overlap = False


class Placed(Target):
    """Sets values at the place that the configuration names."""

    name = "test_placed"

    def described(self, context):
        return f"version {context.number} at {context.config['at']}"


TARGET, ONE_AT_A_TIME, PLACED = Target(), OneAtATime(), Placed()


def fresh_world():
    """Register the targets and give them a new world."""
    for rotator in (TARGET, ONE_AT_A_TIME, PLACED):
        rotators.register(rotator)
    Target.world = World()
    return Target.world
