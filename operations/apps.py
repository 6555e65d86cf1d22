from typing import Any

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        """Register what operations checks and runs."""
        from aethercrown import demo  # noqa: PLC0415 - models exist only now
        from aethercrown.monitoring import doctor, readiness  # noqa: PLC0415 - the same
        from aethercrown.search import search_sources  # noqa: PLC0415 - the same
        from operations.alerts.event_messages import ALERT_KEY  # noqa: PLC0415 - the same
        from operations.automations import reports as automation_reports  # noqa: PLC0415
        from operations.automations.registry import automation_registry  # noqa: PLC0415
        from operations.backups import reports as recovery_reports  # noqa: PLC0415 - the same
        from operations.backups import services as recovery  # noqa: PLC0415 - the same
        from operations.decisions import reports as decisions  # noqa: PLC0415 - the same
        from operations.demo import services as demo_services  # noqa: PLC0415
        from operations.health import services as health  # noqa: PLC0415
        from operations.health.registry import health_check_registry  # noqa: PLC0415
        from operations.health.reports import components  # noqa: PLC0415 - the same
        from operations.health.reports import doctor as health_doctor  # noqa: PLC0415
        from operations.health.services.builtin_checks import BUILTIN_CHECKS  # noqa: PLC0415
        from operations.messaging.registry import StateTopic, state_topics  # noqa: PLC0415
        from operations.scheduling.reports import tasks  # noqa: PLC0415 - the same
        from operations.scheduling.services import replan  # noqa: PLC0415

        register_sealed_texts()
        for automation in (*health.AUTOMATIONS, *replan.AUTOMATIONS, *recovery.AUTOMATIONS):
            automation_registry.register(automation)
        register_metrics()
        for check in BUILTIN_CHECKS:
            health_check_registry.register(check)
        for look in health_doctor.doctor_checks(BUILTIN_CHECKS):
            doctor.register(look)
        doctor.register(recovery_reports.LOOK)
        readiness.WARNING_CHECKS["clock"] = (
            automation_reports.is_clock_trusted,
            "Runs are recorded for times that have not come: the clock was ahead. See the doctor.",
        )
        recovery.register_hooks()
        state_topics.register(StateTopic(ALERT_KEY))
        search_sources.register_all((decisions.SEARCH, tasks.SEARCH, components.SEARCH))
        register_jobs()
        register_repeating_imports()
        demo.register("operations", demo_services.seed, demo_services.release)


def register_sealed_texts() -> None:
    from aethercrown.crypto import sealing  # noqa: PLC0415 - as above

    column, register = sealing.TextColumn, sealing.columns.register
    register(column("operations.Destination", "sealed_secret", destination_context))
    register(column("operations.AddressHashKey", "sealed_key", hash_key_context))


def register_jobs() -> None:
    from operations.imports import services as imports  # noqa: PLC0415 - models exist now
    from operations.jobs.registry import job_kinds  # noqa: PLC0415
    from operations.scheduling.services import submit_job  # noqa: PLC0415

    job_kinds.register_all((imports.JOB_KIND, imports.CHECK_JOB_KIND, imports.LOOK_JOB_KIND))
    job_kinds.register(submit_job.JOB_KIND)


def register_repeating_imports() -> None:
    from operations.automations.registry import automation_registry  # noqa: PLC0415 - as above
    from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
    from operations.imports import services as imports  # noqa: PLC0415

    automation_registry.register_all(imports.AUTOMATIONS)
    decision_type_registry.register_all(imports.KINDS)


def register_metrics() -> None:
    from aethercrown.metrics.registry import metric_registry  # noqa: PLC0415 - models exist now
    from operations.alerts import reports as alerts  # noqa: PLC0415
    from operations.automations import reports as automations  # noqa: PLC0415
    from operations.decisions import reports as decisions  # noqa: PLC0415
    from operations.health.reports import company_metrics as health  # noqa: PLC0415
    from operations.scheduling.reports import company_metrics as tasks  # noqa: PLC0415

    for module in (health, tasks, decisions, automations, alerts):
        metric_registry.register_all(module.METRICS)


def destination_context(destination: Any) -> str:
    return str(destination.secret_context)


def hash_key_context(key: Any) -> str:
    return str(key.context)
