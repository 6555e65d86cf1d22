from django.apps import AppConfig


class SecurityConfig(AppConfig):
    name = "security"

    def ready(self) -> None:
        """Register what security does for the kernel and for operations; connect its signals."""
        from security import startup  # noqa: PLC0415 - models are ready only now

        startup.register(self)
