"""The parts that are always checked, found by name; each app registers its own when it starts."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from aethercrown import registry
from operations.health.state_machine import DEGRADED, HEALTHY, UNHEALTHY, UNKNOWN, Observation


class Faulty(Exception):
    """The part does not work; the message is for people and holds no secret."""


class Strained(Exception):
    """The part works, but not for much longer."""


class Unsure(Exception):
    """Nothing can be said of the part, such as before its first sign of life."""


class NameTaken(ValueError):
    """Two parts ask for one name."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something to check: `work` returns, or raises Faulty, Strained or Unsure.

    A vital part is looked at several times a minute by a thread of the web server. While its
    parent is down, nobody is told that a part is down too.
    """

    name: str
    title: str
    work: Callable[[], None]
    is_required: bool = True
    is_vital: bool = False
    parent: str = ""

    def look(self, _seconds: float) -> Observation:
        """What `work` came to; any other exception is a failure told by its name alone."""
        try:
            self.work()
        except Strained as error:
            return Observation(DEGRADED, error=str(error))
        except Unsure as error:
            return Observation(UNKNOWN, error=str(error))
        except Faulty as error:
            return Observation(UNHEALTHY, kind="fault", error=str(error))
        except Exception as error:  # noqa: BLE001 - drivers have exceptions of their own
            words = f"It failed with {type(error).__name__}."
            return Observation(UNHEALTHY, kind="fault", error=words)
        return Observation(HEALTHY)


_known: dict[str, Part] = {}


def register(part: Part) -> None:
    """Make a part known; registering the same one again changes nothing."""
    if _known.setdefault(part.name, part) != part:
        raise NameTaken(f"A part called {part.name} is registered already.")


def parts() -> tuple[Part, ...]:
    """Every part, in the order of names."""
    return tuple(_known[name] for name in sorted(_known))


def apart(parts: Iterable[Part] = ()) -> AbstractContextManager[None]:
    """Within the block only `parts` are known, and what is registered in it; for tests."""
    return registry.apart(_known, parts)
