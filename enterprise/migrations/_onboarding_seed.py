"""Documented calendars, tiers, rules, thresholds and steps; schedules; the guard of the log.

Seeding again changes nothing that staff have set.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import migrations

from operations.automations.seeding import seed, seed_task

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
WEEK = (*WEEKDAYS, "saturday", "sunday")
CALENDARS = {
    "business_hours": ("Business hours", dict.fromkeys(WEEKDAYS, "09:00-17:00")),
    "extended": (
        "Extended hours",
        {**dict.fromkeys(WEEKDAYS, "07:00-22:00"), "saturday": "09:00-17:00"},
    ),
    "24/7": ("Around the clock", dict.fromkeys(WEEK, "00:00-24:00")),
}
TIERS = (  # code, response hours, uptime, dedicated support, integration, calendar, resources
    ("standard", 24, "99.5", False, False, "business_hours", (10_000, 100, 1_000)),
    ("premium", 4, "99.9", True, False, "extended", (50_000, 500, 5_000)),
    ("enterprise", 1, "99.95", True, True, "24/7", (200_000, 2_000, 20_000)),
)
MILLION = 1_000_000
RULES = (("enterprise", 1_000, 100 * MILLION), ("premium", 100, 10 * MILLION))
THRESHOLDS = {
    "response": {50: "info", 75: "warning", 90: "high", 100: "critical"},
    "resolution": {50: "info", 75: "warning", 90: "high", 100: "critical"},
    "step": {75: "info", 100: "warning"},
}
AUTOMATION, TEAM = "automation", "account_team"
STEPS = (  # name, hours, hours by tier, owner, role, action, steps it waits for
    ("account_creation", 1, {}, AUTOMATION, "technical_lead", "create_customer", ()),
    ("sla_assignment", 1, {}, AUTOMATION, "technical_lead", "assign_sla", (1,)),
    ("environment_setup", 2, {"enterprise": 4}, AUTOMATION, "technical_lead", "set_up_environment", (2,)),
    ("api_key_generation", 1, {}, AUTOMATION, "technical_lead", "create_api_key", (3,)),
    ("documentation_access", 1, {}, TEAM, "account_manager", "", (1,)),
    ("training_schedule", 2, {}, TEAM, "account_manager", "", (5,)),
    ("support_channel_setup", 2, {}, TEAM, "support_team", "", (2,)),
    ("initial_health_check", 1, {}, TEAM, "technical_lead", "check_health", (4, 7)),
)


def seed_defaults(apps, schema_editor):
    model = {
        name: apps.get_model("enterprise", name).objects
        for name in (
            "BusinessCalendar", "CalendarVersion", "SlaTier", "TierRuleSet", "TierRule",
            "SlaThreshold", "OnboardingTemplate", "OnboardingTemplateVersion",
            "OnboardingTemplateStep", "OnboardingDependency",
        )
    }
    if model["BusinessCalendar"].exists():
        return
    now = datetime.now(UTC)
    calendars = _calendars(model, now)
    _tiers(model, calendars, now)
    for kind, levels in THRESHOLDS.items():
        for percent, severity in levels.items():
            model["SlaThreshold"].create(kind=kind, percent=percent, severity=severity)
    _template(model, now)


def _calendars(model, now):
    found = {}
    for name, (title, hours) in CALENDARS.items():
        found[name] = model["BusinessCalendar"].create(name=name, title=title)
        model["CalendarVersion"].create(
            calendar=found[name], number=1, state="published", published_at=now, **hours
        )
    return found


def _tiers(model, calendars, now):
    tiers = {}
    for place, (code, hours, uptime, support, integration, calendar, resources) in enumerate(TIERS):
        rate, storage, units = resources
        tiers[code] = model["SlaTier"].create(
            code=code, position=place, response_hours=hours, uptime_percent=Decimal(uptime),
            has_dedicated_support=support, has_custom_integration=integration,
            support_hours=calendars[calendar], api_rate_limit=rate, storage_gb=storage,
            compute_units=units,
        )
    rules = model["TierRuleSet"].create(
        number=1, state="published", published_at=now, currency=settings.DEFAULT_CURRENCY,
        note="The documented rules.",
    )
    for place, (code, employees, revenue) in enumerate(RULES, 1):
        model["TierRule"].create(
            rule_set=rules, position=place, tier=tiers[code], join="any",
            conditions=[
                {"field": "employees", "operator": ">", "value": employees},
                {"field": "annual_revenue", "operator": ">", "value": revenue},
            ],
        )
    model["TierRule"].create(
        rule_set=rules, position=len(RULES) + 1, tier=tiers["standard"], conditions=[]
    )


def _template(model, now):
    template = model["OnboardingTemplate"].create(
        name="standard", title="Standard onboarding", is_default=True
    )
    version = model["OnboardingTemplateVersion"].create(
        template=template, number=1, state="published", published_at=now,
        note="The documented steps.",
    )
    rows = []
    for place, (name, hours, by_tier, owner, role, action, needs) in enumerate(STEPS, 1):
        row = model["OnboardingTemplateStep"].create(
            version=version, position=place, name=name, hours=hours, hours_by_tier=by_tier,
            owner_kind=owner, role=role, action=action,
        )
        rows.append(row)
        for each in needs:
            model["OnboardingDependency"].create(step=row, needs=rows[each - 1])


def seed_schedules(apps, schema_editor):
    seed(
        apps, name="enterprise.sweep_sla", title="Watch the SLA clocks",
        every=timedelta(seconds=20), mode="auto", missed="skip",
    )
    seed(
        apps, name="enterprise.follow_onboarding", title="Follow up onboardings",
        every=timedelta(minutes=5), mode="auto", missed="skip",
    )
    name = "enterprise.run_onboarding_actions"
    seed_task(apps, name=name, task=name, every=timedelta(seconds=10))


TABLE = "enterprise_steptransition"
MESSAGE = "the log of a flow is only appended to"
GUARD_SQLITE = f"""
CREATE TRIGGER {TABLE}_immutable BEFORE UPDATE ON {TABLE}
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
"""
GUARD_FUNCTION = f"""
CREATE FUNCTION {TABLE}_guard() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
GUARD_POSTGRESQL = f"""
CREATE TRIGGER {TABLE}_immutable BEFORE UPDATE ON {TABLE}
FOR EACH ROW EXECUTE FUNCTION {TABLE}_guard()
"""


def guard_log(apps, schema_editor):
    """A trigger that refuses updates of the log."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD_FUNCTION)
        schema_editor.execute(GUARD_POSTGRESQL)
    else:
        schema_editor.execute(GUARD_SQLITE)


def unguard_log(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_immutable ON {TABLE}")
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {TABLE}_guard()")
    else:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_immutable")


OPERATIONS = [
    migrations.RunPython(seed_defaults, migrations.RunPython.noop),
    migrations.RunPython(seed_schedules, migrations.RunPython.noop),
    migrations.RunPython(guard_log, unguard_log),
]
