"""Flows follow when running clocks move to another calendar version."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow
from enterprise.onboarding.services import log
from enterprise.onboarding.services.flow_change import FlowChange
from enterprise.sla.models import CalendarVersion
from enterprise.sla.services import CalendarFollower


def preview(version: CalendarVersion, _now: datetime) -> list[dict[str, Any]]:
    """The open flows that are planned by an older version of the calendar."""
    rows = OnboardingFlow.objects.filter(
        status__in=states.OPEN_FLOWS, calendar_version__calendar=version.calendar_id
    ).exclude(calendar_version=version)
    return [
        {
            "id": row.pk,
            "version": row.calendar_version_id,
            "flow_version": row.version,
            "estimated_at": row.estimated_at,
        }
        for row in rows.order_by("pk")
    ]


def lock(flow_ids: Collection[int]) -> None:
    """Lock flows until the transaction ends, in one order."""
    list(OnboardingFlow.objects.select_for_update().filter(pk__in=flow_ids).order_by("pk"))


def move(versions: Mapping[int, int], now: datetime) -> None:
    """Plan each flow by the version it is given; flows that are over stay as they are."""
    for flow_id, version_id in versions.items():
        with transaction.atomic():
            change = FlowChange(flow_id, now)
            if change.flow.status not in states.OPEN_FLOWS:
                continue
            change.flow.calendar_version_id = version_id
            status = change.flow.status
            log.append(
                change.flow, "recalendar", status, status, now,
                detail={"calendar_version": version_id},
            )  # fmt: skip
            change.finish()


FOLLOWER = CalendarFollower("onboarding", preview, lock, move)
