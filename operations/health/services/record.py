"""Record observations: store checks, confirm states, open and end incidents, raise alerts.

Observations are recorded in short transactions that lock their components, so that two processes
never open two incidents for one outage.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.formatting import moment_text
from operations.alerts import reports as alert_reports
from operations.alerts import services as alerts
from operations.health import probe, state_machine
from operations.health.models import CHECK_COLUMNS, Check, Component, Incident
from operations.health.reports.components import page
from operations.health.reports.history import max_gap
from operations.health.state_machine import DOWN, OFF, UNKNOWN, ComponentState, Observation

BATCH_ROWS = 100  # components recorded in one transaction
REOPENED_WITHIN = timedelta(minutes=10)  # down again: the same incident
ALERT_SOURCE, CERTIFICATE = "health", "certificate"


def record_all(
    seen: Mapping[int, Observation],
    at: datetime,
    *,
    began: datetime | None = None,
    store_every: timedelta | None = None,
    batch_rows: int = BATCH_ROWS,
) -> None:
    """Record the observation of each component, by its id; parents first, for their alerts.

    Skipped are components that are deleted or disabled, and those that another process recorded
    since `began`: one failure, seen by two at once, counts once. With `store_every`, an
    unchanged healthy observation is stored as a row only that often.
    """
    parents = dict(Component.objects.filter(pk__in=seen).values_list("pk", "parent"))
    ids = state_machine.parents_first(parents)
    for start in range(0, len(ids), batch_rows):
        chosen = {each: seen[each] for each in ids[start : start + batch_rows]}
        record_batch(chosen, (began or at, at), store_every)


@transaction.atomic
def record_batch(
    seen: Mapping[int, Observation],
    span: tuple[datetime, datetime],
    store_every: timedelta | None,
) -> None:
    """Record some observations in one transaction that locks their components.

    `span` is when the checks began, and the time under which they are recorded.
    """
    began, at = span
    rows = Component.objects.select_for_update().filter(pk__in=seen, is_enabled=True)
    rows = rows.exclude(checked_at__gt=began, checked_at__lte=at)
    components = list(rows.order_by("pk"))
    stored = [each for each in components if is_stored(each, seen[each.pk], at, store_every)]
    for component in stored:
        component.last_stored_at = at
    Check.objects.bulk_create([check_row(each, seen[each.pk], at) for each in stored])
    changed = [each for each in components if apply_observation(each, seen[each.pk], at)]
    Component.objects.bulk_create(  # an update of many rows: they are locked, so they exist
        components, update_conflicts=True, unique_fields=["id"], update_fields=CHECK_COLUMNS
    )
    failing = failing_parents(components, at)
    told = {key for kind, key in alert_reports.unresolved_of(ALERT_SOURCE) if kind == CERTIFICATE}
    for component in components:
        update_certificate_alert(component, at, is_open=component.alert_key in told)
        update_alert(
            component,
            at,
            is_changed=component in changed,
            is_explained=component.parent_id in failing,
        )


def is_stored(
    component: Component, seen: Observation, at: datetime, store_every: timedelta | None
) -> bool:
    """Whether the observation is stored as a row: if it is news, or the last row is old."""
    if seen.status == OFF:
        return False
    last = component.last_stored_at
    is_news = component.status != seen.status or not seen.works
    is_recent = last is not None and store_every is not None and last <= at < last + store_every
    return is_news or not is_recent


def check_row(component: Component, seen: Observation, at: datetime) -> Check:
    status = seen.status
    if component.is_maintained(at) and not seen.works:
        status = Check.Status.MAINTENANCE
    return Check(
        component=component,
        checked_at=at,
        status=status,
        response_ms=seen.response_ms,
        error_kind=seen.error_kind,
        error=seen.error[:300],
    )


def apply_observation(component: Component, seen: Observation, at: datetime) -> bool:
    """Update the component (unsaved); whether its alert may have to be resolved."""
    if component.is_maintained(at) and not seen.works:
        seen = Observation(UNKNOWN, seen.response_ms, seen.error_kind, seen.error)
    gap = max_gap(component.check_every_seconds)
    before = state_machine.after_gap(component.confirmed, component.checked_at, at, gap)
    was_flapping = component.is_flapping
    update_latest(component, seen, at)
    apply_state(component, state_machine.next_state(before, seen, at), seen, at)
    return was_flapping or before.state != component.state


def failing_parents(components: Sequence[Component], at: datetime) -> set[int | None]:
    """The ids of parents whose own failure explains those of their children.

    In a ring of parents none explains another: nobody would hear of any.
    """
    parents = {each.parent_id for each in components if each.parent_id is not None}
    if not parents:
        return set()
    found: set[int | None] = {
        each.pk for each in Component.objects.filter(pk__in=parents) if each.explains_children(at)
    }
    return found - state_machine.ringed(parents_of_all()) if found else found


def parents_of_all() -> dict[int, int | None]:
    return dict(Component.objects.exclude(parent=None).values_list("pk", "parent"))


def update_latest(component: Component, seen: Observation, at: datetime) -> None:
    """Set the latest status and error, and whether the component is slow or flapping."""
    if seen.status == OFF:
        component.recent_ms, component.is_slow, component.is_flapping = [], False, False
    elif seen.status != UNKNOWN:
        recent = [*component.recent_ms, seen.response_ms if seen.works else None]
        component.recent_ms = recent[-state_machine.RECENT_CHECKS :]
    times = [each for each in component.recent_ms if each is not None]
    component.is_slow = state_machine.is_slow(times, component.slow_ms, was=component.is_slow)
    worked = [each is not None for each in component.recent_ms]
    component.is_flapping = state_machine.is_flapping(worked, was=component.is_flapping)
    component.status, component.error = seen.status, seen.error[:300]
    if seen.status == state_machine.HEALTHY and component.is_slow:
        component.status = state_machine.DEGRADED
        component.error = f"The 95th percentile is over {component.slow_ms} ms."
    component.last_ms, component.checked_at = seen.response_ms, at
    if seen.certificate or seen.works:  # of what does not answer the last one is kept
        begins, ends = seen.certificate or (None, None)
        component.certificate_starts_at, component.certificate_ends_at = begins, ends


def apply_state(
    component: Component, after: ComponentState, seen: Observation, at: datetime
) -> None:
    """Set the confirmed state (unsaved), and open or end the incident."""
    before = component.state
    component.state = after.state
    component.contrary_count, component.contrary_since = after.contrary_count, after.contrary_since
    if before == after.state:
        return
    began = after.contrary_since or at
    component.state_since = began
    if after.state == DOWN:
        open_incident(component, seen, began, at)
    elif before == DOWN:
        ending = "recovered" if after.state == state_machine.UP else "removed"
        component.incidents.filter(ended_at=None).update(ended_at=began, ending=ending)


def open_incident(component: Component, seen: Observation, began: datetime, at: datetime) -> None:
    """Open an incident, or reopen one that ended within REOPENED_WITHIN."""
    last = component.incidents.filter(ended_at__gte=began - REOPENED_WITHIN).first()
    if last is not None:
        component.incidents.filter(pk=last.pk).update(ended_at=None, ending="")
        return
    Incident.objects.create(
        component=component,
        started_at=began,
        confirmed_at=at,
        error_kind=seen.error_kind,
        error=component.error,
    )


def update_alert(
    component: Component, at: datetime, *, is_changed: bool, is_explained: bool
) -> None:
    """Raise the alert of what is down and not explained; resolve it once it is up and steady."""
    is_unhealthy = component.status == state_machine.UNHEALTHY
    if component.state == DOWN and is_unhealthy and not is_explained:
        severity = "critical" if component.is_required else "high"
        words = f"{component.name} is down since {moment_text(component.state_since or at)}"
        words = f"{words}: {component.error}" if component.error else f"{words}."
        alerts.raise_alert(
            ALERT_SOURCE,
            "down",
            component.name,
            severity,
            words,
            key=component.alert_key,
            link=page(component),
            now=at,
        )
    elif component.state != DOWN and is_changed and not component.is_flapping:
        alerts.resolve(ALERT_SOURCE, "down", component.alert_key, now=at)


def update_certificate_alert(component: Component, at: datetime, *, is_open: bool) -> None:
    """Raise an alert before the certificate ends of what still works; resolve it once renewed."""
    if component.status not in {state_machine.HEALTHY, state_machine.DEGRADED}:
        return
    begins, ends = component.certificate_starts_at, component.certificate_ends_at
    limits = (component.certificate_degraded_days, component.certificate_unhealthy_days)
    seen = probe.certificate_status(begins, ends, at, limits) if begins and ends else None
    if seen is None or seen.status == state_machine.HEALTHY:
        if is_open:
            alerts.resolve(ALERT_SOURCE, CERTIFICATE, component.alert_key, now=at)
    elif not component.is_maintained(at):
        alerts.raise_alert(
            ALERT_SOURCE,
            CERTIFICATE,
            component.name,
            "high" if seen.status == state_machine.UNHEALTHY else "warning",
            f"{component.name}: {seen.error}",
            key=component.alert_key,
            link=page(component),
            now=at,
        )
