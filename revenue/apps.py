from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from aethercrown.csv.export import Exporter


class RevenueConfig(AppConfig):
    name = "revenue"

    def ready(self) -> None:
        """Register importers, exporters, decisions, automations, hooks and what is searched."""
        from aethercrown.backup import hooks as backup_hooks  # noqa: PLC0415 - models exist only now
        from aethercrown.metrics.registry import metric_registry  # noqa: PLC0415
        from operations.automations.registry import automation_registry  # noqa: PLC0415
        from operations.decisions.decision_types import (  # noqa: PLC0415
            approval_kind_registry,
            decision_type_registry,
        )
        from revenue.billing import reports as billing  # noqa: PLC0415
        from revenue.billing.services import erasure, invoice_run, reconciliation  # noqa: PLC0415
        from revenue.customers import reports as customers  # noqa: PLC0415
        from revenue.customers.data_hooks import HOOKS  # noqa: PLC0415
        from revenue.customers.services import contacts, erasures  # noqa: PLC0415
        from revenue.documents import reports as document_reports  # noqa: PLC0415
        from revenue.documents import services as documents  # noqa: PLC0415
        from revenue.mrr import reports as mrr  # noqa: PLC0415
        from revenue.mrr.reports import company_metrics  # noqa: PLC0415
        from revenue.mrr.services import rollups  # noqa: PLC0415
        from revenue.pricing import services as pricing_services  # noqa: PLC0415
        from revenue.upsell import reports as upsell_reports  # noqa: PLC0415
        from revenue.upsell import services as upsell_services  # noqa: PLC0415

        for feature in (pricing_services, upsell_services, invoice_run, documents):
            decision_type_registry.register_all(feature.KINDS)
        approval_kind_registry.register(pricing_services.PUBLICATION)
        for module in (customers, mrr, billing, document_reports, upsell_reports):
            register_exporters(module.EXPORTERS)
        register_importers()
        register_mail()
        for feature in (rollups, reconciliation, upsell_services, invoice_run, documents):
            automation_registry.register_all(feature.AUTOMATIONS)
        register_jobs()
        metric_registry.register_all(company_metrics.METRICS)
        for feature in (contacts, erasures, erasure, documents, rollups, upsell_services):
            HOOKS.register(feature.CUSTOMER_HOOK)
        backup_hooks.registered.register(erasures.BACKUP_HOOK)
        register_search()
        register_demo()


def register_demo() -> None:
    from aethercrown import demo  # noqa: PLC0415 - as above
    from revenue.demo import services as demo_services  # noqa: PLC0415

    demo.register("revenue", demo_services.seed)
    demo.register("prices", demo_services.seed_prices)


def register_mail() -> None:
    from operations.messaging.outside.mail_kinds import mail_kinds  # noqa: PLC0415 - as above
    from revenue.documents import services as documents  # noqa: PLC0415
    from revenue.upsell import services as upsell  # noqa: PLC0415

    for feature in (documents, upsell):
        mail_kinds.register_all(feature.MAIL_KINDS)


def register_search() -> None:
    from aethercrown.references import named_rows  # noqa: PLC0415 - models exist only now
    from aethercrown.search import search_sources  # noqa: PLC0415
    from revenue.customers import reports as customers  # noqa: PLC0415
    from revenue.pricing import reports as pricing  # noqa: PLC0415

    named_rows.register(customers.NAMED_ROWS)
    search_sources.register(customers.SEARCH)
    search_sources.register(pricing.SEARCH)


def register_jobs() -> None:
    from operations.jobs.registry import job_kinds  # noqa: PLC0415 - models exist only now
    from revenue.billing.services import jobs, price_simulation  # noqa: PLC0415

    job_kinds.register_all((*jobs.JOB_KINDS, price_simulation.JOB_KIND))


def register_exporters(exporters: "Iterable[Exporter]") -> None:
    from aethercrown.csv import export  # noqa: PLC0415 - models exist only now

    for exporter in exporters:
        export.register(exporter)


def register_importers() -> None:
    from aethercrown.csv import importing  # noqa: PLC0415 - models exist only now
    from aethercrown.tabular.presets import presets  # noqa: PLC0415
    from operations.imports.registry import import_targets  # noqa: PLC0415
    from revenue.billing.services import imports as usage_imports  # noqa: PLC0415
    from revenue.customers import billing_exports  # noqa: PLC0415
    from revenue.customers.services import export_imports, plain_imports  # noqa: PLC0415
    from revenue.customers.services import imports as customer_imports  # noqa: PLC0415

    for importer in (*customer_imports.IMPORTERS, *usage_imports.IMPORTERS):
        importing.register(importer)
    importing.register(export_imports.IMPORTER)
    targets = (export_imports.TARGET, *plain_imports.TARGETS, usage_imports.TARGET)
    import_targets.register_all(targets)
    presets.register_all(billing_exports.PRESETS)
