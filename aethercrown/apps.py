from django.apps import AppConfig


class AethercrownConfig(AppConfig):
    name = "aethercrown"
    verbose_name = "Platform"

    def ready(self) -> None:
        from aethercrown import checks  # noqa: F401, PLC0415 - importing registers them
