from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

# families with a block on the customer page
CUSTOMER_BLOCKS = ("revenue", "upsell", "usage", "onboarding")


class DashboardsConfig(AppConfig):
    name = "dashboards"
    default = True

    def ready(self) -> None:
        for family in CUSTOMER_BLOCKS:
            import_module(f"dashboards.{family}.customer_block").register()


class CrownAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our own site."""

    default = False
    default_site = "dashboards.admin_site.CrownAdminSite"
