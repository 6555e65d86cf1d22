from django.apps import AppConfig


class RevenueConfig(AppConfig):
    name = "revenue"

    def ready(self) -> None:
        """Make what revenue imports, exports and decides known by name."""
        from aethercrown import demo, export, importing  # noqa: PLC0415 - models exist only now
        from operations.decisions import kinds  # noqa: PLC0415
        from revenue.customers import reports as customers_reports  # noqa: PLC0415
        from revenue.demo import prices as demo_prices  # noqa: PLC0415
        from revenue.demo import services as demo_services  # noqa: PLC0415
        from revenue.intake import services as intake_services  # noqa: PLC0415
        from revenue.pricing import services as pricing_services  # noqa: PLC0415

        for kind in pricing_services.KINDS:
            kinds.register(kind)
        for importer in intake_services.IMPORTERS:
            importing.register(importer)
        for exporter in customers_reports.EXPORTERS:
            export.register(exporter)
        demo.register("revenue", demo_services.seed)
        demo.register("prices", demo_prices.seed)
