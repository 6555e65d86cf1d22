"""Draft and publish versions of calendars and of tier rules; what is published never changes."""

from datetime import datetime

from django.db import transaction

from enterprise.sla.models import (
    DAYS,
    BusinessCalendar,
    CalendarDay,
    CalendarVersion,
    FrozenVersion,
    RuleCurrencyRate,
    TierRule,
    TierRuleSet,
    VersionState,
)

COPIED = (*DAYS, "zone", "country", "subdivision")


class EmptyRules(ValueError):
    """A rule set without rules, or without one that takes every company, leaves some without."""


@transaction.atomic
def draft_calendar(calendar_id: int) -> CalendarVersion:
    """The draft of a calendar: the one there is, or a copy of its newest version."""
    calendar = BusinessCalendar.objects.select_for_update().get(pk=calendar_id)
    newest = calendar.versions.order_by("-number").first()
    if newest is not None and newest.state == VersionState.DRAFT:
        return newest
    values = {name: getattr(newest, name) for name in COPIED} if newest else {}
    number = newest.number + 1 if newest else 1
    draft = CalendarVersion.objects.create(calendar=calendar, number=number, **values)
    for each in newest.days.all() if newest else ():
        CalendarDay.objects.create(version=draft, day=each.day, name=each.name, hours=each.hours)
    return draft


@transaction.atomic
def publish_calendar(version_id: int, now: datetime) -> CalendarVersion:
    """Put a draft in force for new clocks. Raises FrozenVersion, and ValidationError."""
    version = CalendarVersion.objects.select_for_update().get(pk=version_id)
    if version.state != VersionState.DRAFT:
        raise FrozenVersion(f"{version} is published already.")
    version.full_clean()
    version.state, version.published_at = VersionState.PUBLISHED, now
    version.save()
    return version


@transaction.atomic
def draft_rules() -> TierRuleSet:
    """The draft of the tier rules: the one there is, or a copy of the newest version."""
    newest = TierRuleSet.objects.select_for_update().order_by("-number").first()
    if newest is not None and newest.state == VersionState.DRAFT:
        return newest
    values = {"currency": newest.currency} if newest else {}
    draft = TierRuleSet.objects.create(number=newest.number + 1 if newest else 1, **values)
    for rule in newest.rules.all() if newest else ():
        TierRule.objects.create(
            rule_set=draft, position=rule.position, tier=rule.tier, join=rule.join,
            conditions=rule.conditions,
        )  # fmt: skip
    for rate in newest.rates.all() if newest else ():
        RuleCurrencyRate.objects.create(rule_set=draft, currency=rate.currency, rate=rate.rate)
    return draft


@transaction.atomic
def publish_rules(rule_set_id: int, now: datetime) -> TierRuleSet:
    """Put a draft in force for new customers. Raises FrozenVersion and EmptyRules."""
    rule_set = TierRuleSet.objects.select_for_update().get(pk=rule_set_id)
    if rule_set.state != VersionState.DRAFT:
        raise FrozenVersion(f"{rule_set} is published already.")
    rules = rule_set.rule_set.rules
    if not rules or rules[-1].conditions:
        raise EmptyRules("The last rule must have no conditions, so that every company has a tier.")
    rule_set.state, rule_set.published_at = VersionState.PUBLISHED, now
    rule_set.save()
    return rule_set
