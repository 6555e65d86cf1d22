"""Add, create, maintain and switch off components."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from operations.alerts import services as alerts
from operations.health.models import Component
from operations.health.registry import health_check_registry
from operations.health.services.record import ALERT_SOURCE, CERTIFICATE
from operations.health.state_machine import NOT_LOOKED_AT, UNKNOWN


class ComponentExists(Exception):
    """A component of this name has other values."""


def add_component(name: str, given: Mapping[str, Any]) -> tuple[Component, bool]:
    """Store a target, and whether it is new. Raises ValidationError and ComponentExists."""
    Component(name=name, **given).full_clean(validate_unique=False)
    found, is_new = Component.objects.get_or_create(name=name, defaults=given)
    if any(getattr(found, field) != value for field, value in given.items()):
        raise ComponentExists(f"There is a component {name} already, with other values.")
    return found, is_new


def create_builtin_components() -> None:
    """Create a component for each built-in check that has none."""
    builtin = Component.objects.filter(kind=Component.Kind.BUILTIN)
    known = set(builtin.values_list("name", flat=True))
    new = [each for each in health_check_registry if each.name not in known]
    for check in new:
        Component.objects.get_or_create(
            name=check.name,
            defaults={"kind": Component.Kind.BUILTIN, "is_required": check.is_required},
        )
    for check in new:
        if check.parent:
            component = Component.objects.get(name=check.name)
            component.parent = Component.objects.filter(name=check.parent).first()
            component.save(update_fields=["parent"])


def forget_unknown_checks() -> None:
    """Built-in parts whose check no app registers any more are not looked at: no old green."""
    rows = Component.objects.filter(kind=Component.Kind.BUILTIN)
    unknown = rows.exclude(name__in=health_check_registry.names()).exclude(status=NOT_LOOKED_AT)
    for component in unknown:
        switch_off(component.pk, timezone.now())


@transaction.atomic
def switch_off(component_id: int, now: datetime) -> None:
    """End the incident and the alert of a component that is disabled or deleted."""
    component = Component.objects.select_for_update().get(pk=component_id)
    component.incidents.filter(ended_at=None).update(ended_at=now, ending="removed")
    Component.objects.filter(pk=component_id).update(
        state=UNKNOWN,
        status=NOT_LOOKED_AT,
        contrary_count=0,
        contrary_since=None,
        state_since=None,
        checked_at=None,
        recent_ms=[],
        is_slow=False,
        is_flapping=False,
        error="",
    )
    for kind in ("down", CERTIFICATE):
        alerts.resolve(ALERT_SOURCE, kind, component.alert_key, now=now)


@transaction.atomic
def prepare_deletion(component_id: int, now: datetime) -> list[str]:
    """Switch it off, and let its children have no parent, in their history too; their names."""
    switch_off(component_id, now)
    children = list(Component.objects.select_for_update().filter(parent=component_id))
    for child in children:
        child.parent = None
        child.save(update_fields=["parent"])
    return [child.name for child in children]


@transaction.atomic
def end_maintenance(components: QuerySet[Component], now: datetime) -> int:
    """End the maintenance of those of `components` that are in maintenance; how many."""
    rows = components.filter(maintenance_until__gt=now).select_for_update(of=("self",))
    for component in rows:
        component.maintenance_until = None
        component.save(update_fields=["maintenance_until"])
    return len(rows)
