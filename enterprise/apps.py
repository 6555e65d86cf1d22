from django.apps import AppConfig


class EnterpriseConfig(AppConfig):
    name = "enterprise"

    def ready(self) -> None:
        """Register automations, decisions, hooks, what is searched, and figures."""
        from aethercrown.backup import hooks  # noqa: PLC0415 - models exist only now
        from aethercrown.crypto import sealing  # noqa: PLC0415
        from aethercrown.metrics.registry import metric_registry  # noqa: PLC0415
        from aethercrown.references import named_rows  # noqa: PLC0415
        from aethercrown.search import search_sources  # noqa: PLC0415
        from enterprise.onboarding.reports import company_metrics, flows  # noqa: PLC0415
        from enterprise.onboarding.services import (  # noqa: PLC0415
            calendars,
            follow,
            moves,
            personal_data,
            reminders,
            restored_links,
        )
        from enterprise.sla import reports as sla_reports  # noqa: PLC0415
        from enterprise.sla import services as sla  # noqa: PLC0415
        from enterprise.sla.services import personal_data as sla_data  # noqa: PLC0415
        from operations.automations.registry import automation_registry  # noqa: PLC0415
        from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
        from operations.messaging.outside.mail_kinds import mail_kinds  # noqa: PLC0415
        from revenue.customers.data_hooks import HOOKS  # noqa: PLC0415

        automation_registry.register_all((*sla.AUTOMATIONS, *follow.AUTOMATIONS))
        decision_type_registry.register_all((sla.CALENDAR_MOVE, moves.ONBOARDING_MOVE))
        sla.followers.register(calendars.FOLLOWER)
        sla_reports.size_sources.register(flows.SIZES)
        mail_kinds.register_all(reminders.MAIL_KINDS)
        hooks.registered.register(restored_links.BACKUP_HOOK)
        HOOKS.register_all((sla_data.CUSTOMER_HOOK, personal_data.CUSTOMER_HOOK))
        named_rows.register(flows.NAMED_ROWS)
        search_sources.register(flows.SEARCH)
        metric_registry.register_all(company_metrics.METRICS)
        sealing.columns.register(
            sealing.TextColumn("enterprise.IssuedKeySecret", "sealed", secret_context)
        )
        register_usage()


def register_usage() -> None:
    from aethercrown import demo  # noqa: PLC0415 - models exist only now
    from aethercrown.csv import importing  # noqa: PLC0415
    from aethercrown.metrics.registry import metric_registry  # noqa: PLC0415
    from aethercrown.monitoring.gauges import gauge_sources  # noqa: PLC0415
    from aethercrown.search import search_sources  # noqa: PLC0415
    from enterprise.demo import services as demo_services  # noqa: PLC0415
    from enterprise.onboarding.services import demo as demo_flows  # noqa: PLC0415
    from enterprise.usage import reports as usage_reports  # noqa: PLC0415
    from enterprise.usage import services as usage  # noqa: PLC0415
    from enterprise.usage.reports import lag  # noqa: PLC0415
    from enterprise.usage.services.imports import IMPORTER  # noqa: PLC0415
    from operations.automations.registry import automation_registry  # noqa: PLC0415
    from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
    from revenue.customers.data_hooks import HOOKS  # noqa: PLC0415

    automation_registry.register_all(usage.AUTOMATIONS)
    decision_type_registry.register(usage.BACKFILL)
    metric_registry.register_all(lag.METRICS)
    gauge_sources.register_all(lag.GAUGES)
    importing.register(IMPORTER)
    HOOKS.register(usage.CUSTOMER_HOOK)
    search_sources.register(usage_reports.SEARCH)
    demo.register("enterprise", demo_services.seed, demo_services.release)
    demo.register("onboarding", demo_flows.seed)


def secret_context(row: object) -> str:
    return str(getattr(row, "context", ""))
