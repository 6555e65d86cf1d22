from django.apps import AppConfig


class RevenueConfig(AppConfig):
    name = "revenue"

    def ready(self) -> None:
        """Make what revenue imports, exports, decides and runs by itself known by name."""
        from aethercrown import demo, export, importing  # noqa: PLC0415 - models exist only now
        from operations.automations import registry  # noqa: PLC0415
        from operations.decisions import kinds  # noqa: PLC0415
        from revenue.billing import reports as billing_reports  # noqa: PLC0415
        from revenue.closing import services as closing_services  # noqa: PLC0415
        from revenue.customers import belongings  # noqa: PLC0415
        from revenue.customers import reports as customers_reports  # noqa: PLC0415
        from revenue.demo import prices as demo_prices  # noqa: PLC0415
        from revenue.demo import services as demo_services  # noqa: PLC0415
        from revenue.intake import services as intake_services  # noqa: PLC0415
        from revenue.ledger import reports as ledger_reports  # noqa: PLC0415
        from revenue.ledger import services as ledger_services  # noqa: PLC0415
        from revenue.pricing import services as pricing_services  # noqa: PLC0415
        from revenue.upsell import reports as upsell_reports  # noqa: PLC0415
        from revenue.upsell import services as upsell_services  # noqa: PLC0415

        for kind in (*pricing_services.KINDS, *upsell_services.KINDS, *closing_services.KINDS):
            kinds.register(kind)
        for importer in intake_services.IMPORTERS:
            importing.register(importer)
        for exporters in (customers_reports, billing_reports, upsell_reports):
            for exporter in exporters.EXPORTERS:
                export.register(exporter)
        for automations in (ledger_services, upsell_services, closing_services):
            for automation in automations.AUTOMATIONS:
                registry.register(automation)
        belongings.register(
            belongings.Belonging(
                "ledger", ledger_reports.personal, merge=ledger_services.forget_kept
            )
        )
        belongings.register(belongings.Belonging("billing", billing_reports.personal))
        belongings.register(
            belongings.Belonging(
                "upsell", upsell_reports.personal, upsell_services.forget, upsell_services.move
            )
        )
        demo.register("revenue", demo_services.seed)
        demo.register("prices", demo_prices.seed)
