from django.apps import AppConfig


class RevenueConfig(AppConfig):
    name = "revenue"

    def ready(self) -> None:
        """Make what revenue decides known by name."""
        from operations.decisions import kinds  # noqa: PLC0415 - models exist only now
        from revenue.pricing import services as pricing_services  # noqa: PLC0415

        for kind in pricing_services.KINDS:
            kinds.register(kind)
