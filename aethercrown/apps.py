from django.apps import AppConfig


class AethercrownConfig(AppConfig):
    name = "aethercrown"
    verbose_name = "Platform"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415 - models are ready now

        from aethercrown import admin_display, checks  # noqa: F401, PLC0415 - this registers checks
        from aethercrown.db import schema  # noqa: F401, PLC0415 - the same
        from aethercrown.http import sessions  # noqa: PLC0415 - the same
        from aethercrown.monitoring import doctor, installation  # noqa: PLC0415

        admin_display.install()
        user_logged_in.connect(sessions.start_session, dispatch_uid="aethercrown.http.sessions")
        for look in installation.CHECKS:
            doctor.register(look)
