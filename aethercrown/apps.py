from django.apps import AppConfig


class AethercrownConfig(AppConfig):
    name = "aethercrown"
    verbose_name = "Platform"
