from django.apps import AppConfig


class MarketingConfig(AppConfig):
    name = "marketing"

    def ready(self) -> None:
        """Register importers, exporters, automation, decision type, job, metrics and demo rows."""
        from aethercrown import demo  # noqa: PLC0415 - models exist only now
        from aethercrown.csv import export, importing  # noqa: PLC0415 - models exist only now
        from aethercrown.metrics.registry import metric_registry  # noqa: PLC0415
        from aethercrown.tabular.presets import presets as file_presets  # noqa: PLC0415
        from marketing.budget import reports as budget_reports  # noqa: PLC0415
        from marketing.budget import services as budget_services  # noqa: PLC0415
        from marketing.channels import presets  # noqa: PLC0415
        from marketing.channels import reports as channels_reports  # noqa: PLC0415
        from marketing.channels import services as channels_services  # noqa: PLC0415
        from marketing.demo import services as demo_services  # noqa: PLC0415
        from operations.automations.registry import automation_registry  # noqa: PLC0415
        from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
        from operations.imports.registry import import_targets  # noqa: PLC0415
        from operations.jobs.registry import job_kinds  # noqa: PLC0415
        from operations.messaging.registry import sent_listeners, state_topics  # noqa: PLC0415

        for importer in channels_services.IMPORTERS:
            importing.register(importer)
        import_targets.register_all((channels_services.SPEND_TARGET, *channels_services.TARGETS))
        file_presets.register_all(presets.PRESETS)
        for exporter in channels_reports.EXPORTERS:
            export.register(exporter)
        automation_registry.register(budget_services.BUDGET_AUTOMATION)
        decision_type_registry.register(budget_services.DECISION_TYPE)
        sent_listeners.register(budget_services.SENT_LISTENER)
        state_topics.register(budget_services.TOPIC)
        job_kinds.register(budget_services.JOB_KIND)
        metric_registry.register_all(budget_reports.METRICS)
        demo.register("marketing", demo_services.seed)
