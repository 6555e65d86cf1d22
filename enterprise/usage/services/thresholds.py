"""Evaluate clients whose use changed, and alert exactly once for each crossing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from json import dumps

from django.db import transaction

from aethercrown.db import bulk
from aethercrown.db.bulk import stamp
from aethercrown.db.fields import MILLION
from aethercrown.formatting import counted
from aethercrown.severity import rank
from enterprise.usage.analysis import crossing
from enterprise.usage.analysis.crossing import GaugeArming, Threshold, UsageLevel
from enterprise.usage.metering.months import month_of, today_in
from enterprise.usage.models import ClientMetric, DirtyClient, UsageAlert, UsageLimit
from enterprise.usage.reports.levels import MetricLevel, levels_of
from enterprise.usage.services import customer_hook
from operations.alerts import services as alerts
from revenue.customers import reports as customers

SOURCE, KIND = "enterprise.usage", "near_limit"
MAX_DRAINED = 2_000  # clients in one call
BATCH = 50  # clients in one transaction
STATE_COLUMNS = (
    *("period_start", "used", "limit", "limit_version_id"),
    *("armings", "open_alerts", "evaluated_at"),
)
Changes = Mapping[int, datetime]  # by client, since when it has changed


def evaluate_dirty(now: datetime, most: int = MAX_DRAINED) -> int:
    """Evaluate the clients that wait, a few in each transaction; how many.

    Two at once share the work: a client that another evaluates, or whose events another
    transaction stores, is left to the next call.
    """
    done = 0
    while done < most and (count := evaluate_next(now, min(BATCH, most - done))):
        done += count
    return done


@transaction.atomic
def evaluate_next(now: datetime, most: int) -> int:
    """Evaluate the clients that have waited longest; how many.

    Their rows go first: an event that is stored meanwhile waits for the end, and writes it again.
    """
    waiting = DirtyClient.objects.select_for_update(skip_locked=True, of=("self",))
    since = dict(waiting.order_by("since").values_list("pk", "since")[:most])
    if since:
        DirtyClient.objects.filter(pk__in=since).delete()
        _move_late(since, now)
        evaluate_changes(since, now)
    return len(since)


def _move_late(since: Changes, now: datetime) -> None:
    """Move events that were read before their client was merged, and stored after it."""
    for duplicate, kept in sorted(customers.merged_into(list(since)).items()):
        if ClientMetric.objects.filter(customer=duplicate).exists():
            customer_hook.merge(kept, duplicate, now)


def evaluate(customer: int, now: datetime) -> list[UsageAlert]:
    """Compare a client's use with its thresholds; the alerts that are new."""
    return evaluate_changes({customer: now}, now)


@transaction.atomic
def evaluate_changes(since: Changes, now: datetime) -> list[UsageAlert]:
    """Compare clients' use with their thresholds; the alerts that are new.

    Use that changed before the end of its period, and is evaluated only after it, is compared in
    that period first. Several alerts of a client at once are one message, of the worst.
    """
    rows = ClientMetric.objects.select_for_update(of=("self",)).filter(customer__in=since)
    states: dict[int, dict[int, ClientMetric]] = {}
    for row in rows.order_by("customer", "metric"):
        states.setdefault(row.customer_id, {})[row.metric_id] = row
    ended, present = _ended_levels(since, now), levels_of(list(since), now)
    raised = []
    for customer, mine in states.items():
        levels = [*ended.get(customer, []), *present.get(customer, [])]
        raised += _evaluate_client(mine, levels, now)
    _save(state for mine in states.values() for state in mine.values())
    return raised


def _ended_levels(since: Changes, now: datetime) -> dict[int, list[MetricLevel]]:
    """Levels of periods that have ended since clients changed; of gauges there are none."""
    zones = customers.time_zones(list(since))
    found: dict[int, list[MetricLevel]] = {}
    for customer, at in since.items():
        zone = zones[customer]
        if month_of(today_in(zone, at)) < month_of(today_in(zone, now)):
            levels = levels_of([customer], at).get(customer, [])
            found[customer] = [each for each in levels if each.period_start is not None]
    return found


def _evaluate_client(
    states: Mapping[int, ClientMetric], levels: Sequence[MetricLevel], now: datetime
) -> list[UsageAlert]:
    found = []
    for level in levels:
        state = states.get(level.metric.pk)
        if state is not None and not _is_later(state, level):
            found += [(state, level, each) for each in _evaluate_metric(state, level, now)]
    if found:
        worst = max(found, key=lambda each: (rank(each[2].severity), each[2].percent))
        _tell(*worst, others=len(found) - 1, now=now)
    return [alert for _, _, alert in found]


def _is_later(state: ClientMetric, level: MetricLevel) -> bool:
    """Whether the state is of a later period than the level, which was evaluated then."""
    return bool(
        state.period_start and level.period_start and state.period_start > level.period_start
    )


def _save(states: Iterable[ClientMetric]) -> None:
    def millionths(value: Decimal | None) -> int | None:
        return None if value is None else int(value * MILLION)

    rows = [
        (
            each.period_start and each.period_start.isoformat(),
            *(millionths(each.used), millionths(each.limit), each.limit_version_id),
            *(dumps(each.armings), dumps(each.open_alerts)),
            each.evaluated_at and stamp(each.evaluated_at),
            each.pk,
        )
        for each in states
    ]
    bulk.update(ClientMetric, STATE_COLUMNS, ("id",), rows)


def _evaluate_metric(state: ClientMetric, level: MetricLevel, now: datetime) -> list[UsageAlert]:
    """Store the alerts of what is crossed, then the present level as the one to compare with."""
    _resolve(state, level, now)
    raised = [] if level.version is None else _raise(state, level, level.version, now)
    state.period_start, state.used = level.period_start, level.used
    state.limit = None if level.version is None else level.version.quantity
    state.limit_version, state.evaluated_at = level.version, now
    return raised


def _raise(
    state: ClientMetric, level: MetricLevel, version: UsageLimit, now: datetime
) -> list[UsageAlert]:
    """Store the alerts of what is crossed under a limit, and of a gauge what is armed after it."""
    now_level = UsageLevel(level.used, Decimal(version.quantity))
    if level.period_start is not None:
        found = crossing.crossed(_previous(state, level), now_level, level.thresholds)
        return _store(level, version, [(each, 0) for each in found], now)
    crossed, after = crossing.gauge_crossed(
        _armings(state.armings), now_level, level.thresholds, now
    )
    state.armings = {str(percent): _arming_json(each) for percent, each in after.items()}
    return _store(level, version, crossed, now)


def _previous(state: ClientMetric, level: MetricLevel) -> UsageLevel | None:
    """The level at the last evaluation; None where that was in another period, or without limit."""
    if state.period_start != level.period_start or state.used is None or state.limit is None:
        return None
    return UsageLevel(Decimal(state.used), Decimal(state.limit))


def _armings(stored: Mapping[str, Sequence[object]]) -> dict[Decimal, GaugeArming]:
    return {
        Decimal(percent): GaugeArming(
            is_armed=bool(armed),
            number=int(str(number)),
            alerted_at=datetime.fromisoformat(str(at)) if at else None,
        )
        for percent, (armed, number, at) in stored.items()
    }


def _arming_json(each: GaugeArming) -> list[object]:
    return [each.is_armed, each.number, each.alerted_at and each.alerted_at.isoformat()]


def _store(
    level: MetricLevel,
    version: UsageLimit,
    crossed: Sequence[tuple[Threshold, int]],
    now: datetime,
) -> list[UsageAlert]:
    """Insert alerts; one that is there already is not raised again."""
    raised = []
    for threshold, number in crossed:
        row, is_new = UsageAlert.objects.get_or_create(
            customer_id=level.customer,
            metric=level.metric,
            period_start=level.period_start,
            percent=threshold.percent,
            number=number,
            **({"limit_version": version} if level.period_start else {}),
            defaults={
                "limit_version": version,
                "severity": threshold.severity,
                "used": level.used,
                "limit": version.quantity,
                "raised_at": now,
            },
        )
        raised += [row] if is_new else []
    return raised


def _resolve(state: ClientMetric, level: MetricLevel, now: datetime) -> None:
    """Resolve the alerts of a period that has ended, and of thresholds that use is below again."""
    is_over = state.period_start is not None and state.period_start != level.period_start
    still = []
    for percent in state.open_alerts:
        if is_over or level.level is None or not level.level.reaches(Decimal(percent)):
            alerts.resolve(SOURCE, KIND, _alert_key(state, percent), now=now)
        else:
            still.append(percent)
    state.open_alerts = still


def _alert_key(state: ClientMetric, percent: str) -> str:
    return f"{state.customer_id}:{state.metric_id}:{percent}"


def _tell(
    state: ClientMetric, level: MetricLevel, alert: UsageAlert, *, others: int, now: datetime
) -> None:
    """Report the worst of the new alerts; its message is written in this transaction."""
    _, name, _ = customers.identity(state.customer_id)
    more = f" With it {counted(others, 'more threshold')} were crossed." if others else ""
    percent = str(alert.percent.normalize())
    alerts.raise_alert(
        SOURCE,
        KIND,
        f"{level.metric} of {name}",
        alert.severity,
        f"{level.sentence()}{more}",
        key=_alert_key(state, percent),
        link=f"/dashboards/usage/{state.customer_id}",
        now=now,
    )
    state.open_alerts = [*{*state.open_alerts, percent}]
