"""The built-in checks: each app registers its own when it starts."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.registry import Registry
from operations.health.state_machine import (
    DEGRADED,
    HEALTHY,
    OFF,
    UNHEALTHY,
    UNKNOWN,
    Observation,
)


class Unhealthy(Exception):
    """The part does not work; the message is shown to people and holds no secret."""


class Degraded(Exception):
    """The part works, but slowly or not for much longer."""


class Unknown(Exception):
    """The state of the part is not known, such as before its first heartbeat."""


class Off(Exception):
    """The part is not configured, so nothing is checked; it neither works nor fails."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A part of the platform to check: `run` returns, or raises one of the exceptions above."""

    name: str
    title: str
    run: Callable[[], None]
    is_required: bool = True
    is_vital: bool = False  # checked by the watchdog several times a minute
    parent: str = ""  # while it is down, no alert is raised for this part

    def observe(self, _seconds: float) -> Observation:
        """The result of `run`; of any other exception only the class name is reported."""
        try:
            self.run()
        except Degraded as error:
            return Observation(DEGRADED, error=str(error))
        except Unknown as error:
            return Observation(UNKNOWN, error=str(error))
        except Off as reason:
            return Observation(OFF, error=str(reason))
        except Unhealthy as error:
            return Observation(UNHEALTHY, error_kind="fault", error=str(error))
        except Exception as error:  # noqa: BLE001 - drivers have exceptions of their own
            words = f"It failed with {type(error).__name__}."
            return Observation(UNHEALTHY, error_kind="fault", error=words)
        return Observation(HEALTHY)


health_check_registry = Registry[HealthCheck]("health check")
