from django.apps import AppConfig


class RevenueConfig(AppConfig):
    name = "revenue"

    def ready(self) -> None:
        """Make what revenue imports, exports, decides and runs by itself known by name."""
        from aethercrown import demo  # noqa: PLC0415 - the same
        from aethercrown.csv import export, importing  # noqa: PLC0415 - models exist only now
        from operations.automations.registry import automation_registry  # noqa: PLC0415
        from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
        from revenue.billing import reports as billing_reports  # noqa: PLC0415
        from revenue.billing.services import invoice_run as closing_services  # noqa: PLC0415
        from revenue.customers import reports as customers_reports  # noqa: PLC0415
        from revenue.customers.services import imports as intake_services  # noqa: PLC0415 - the same
        from revenue.demo import prices as demo_prices  # noqa: PLC0415
        from revenue.demo import services as demo_services  # noqa: PLC0415
        from revenue.mrr import services as ledger_services  # noqa: PLC0415
        from revenue.pricing import services as pricing_services  # noqa: PLC0415
        from revenue.upsell import reports as upsell_reports  # noqa: PLC0415
        from revenue.upsell import services as upsell_services  # noqa: PLC0415

        for kind in (*pricing_services.KINDS, *upsell_services.KINDS, *closing_services.KINDS):
            decision_type_registry.register(kind)
        for importer in intake_services.IMPORTERS:
            importing.register(importer)
        for exporters in (customers_reports, billing_reports, upsell_reports):
            for exporter in exporters.EXPORTERS:
                export.register(exporter)
        for automations in (ledger_services, upsell_services, closing_services):
            for automation in automations.AUTOMATIONS:
                automation_registry.register(automation)
        keep_by_customer()
        demo.register("revenue", demo_services.seed)
        demo.register("prices", demo_prices.seed)


def keep_by_customer() -> None:
    """Say what other features keep of a customer, for exports, erasures and merges."""
    from revenue.billing import reports as billing  # noqa: PLC0415 - models exist only now
    from revenue.customers.personal_data import Belonging, register  # noqa: PLC0415
    from revenue.mrr import reports as ledger  # noqa: PLC0415
    from revenue.mrr import services as ledger_services  # noqa: PLC0415
    from revenue.upsell import reports as upsell  # noqa: PLC0415
    from revenue.upsell import services as upsell_services  # noqa: PLC0415

    register(Belonging("billing", billing.personal))
    register(Belonging("ledger", ledger.personal, merge=ledger_services.forget_kept))
    register(
        Belonging(
            "upsell",
            upsell.personal_data,
            upsell_services.erase_free_text,
            upsell_services.move_to_customer,
        )
    )
