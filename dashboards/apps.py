from importlib import import_module

from django.apps import AppConfig

# families with a block on the customer page
CUSTOMER_BLOCKS = ("revenue", "upsell", "usage", "onboarding")


class DashboardsConfig(AppConfig):
    name = "dashboards"

    def ready(self) -> None:
        for family in CUSTOMER_BLOCKS:
            import_module(f"dashboards.{family}.customer_block").register()
