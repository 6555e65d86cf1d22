from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SecurityConfig(AppConfig):
    name = "security"

    def ready(self) -> None:
        """Make known what security runs by itself, and what calls it back."""
        from simple_history.signals import post_create_historical_record  # noqa: PLC0415 - the same

        from aethercrown.api import idempotency  # noqa: PLC0415 - models are ready only now
        from aethercrown.backup import hooks  # noqa: PLC0415 - the same
        from aethercrown.history import audit_hooks  # noqa: PLC0415 - the same
        from operations.automations.registry import automation_registry  # noqa: PLC0415 - the same
        from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415 - the same
        from security.audit import services as audit  # noqa: PLC0415 - the same
        from security.encryption.replies import Replies  # noqa: PLC0415 - the same
        from security.restore import services as recovery  # noqa: PLC0415 - the same
        from security.rotation import kinds  # noqa: PLC0415 - the same
        from security.rotation import registry as rotators  # noqa: PLC0415 - the same
        from security.rotation.services import automation as daily  # noqa: PLC0415 - the same
        from security.rotation.services import decisions as turns  # noqa: PLC0415 - the same

        audit_hooks.keep("audit", audit.record)
        post_create_historical_record.connect(audit.testify, dispatch_uid="security.audit")
        idempotency.seal_with(Replies())
        for automation in (*audit.AUTOMATIONS, *daily.AUTOMATIONS):
            automation_registry.register(automation)
        for part in recovery.PARTS:
            hooks.register(part)
        for rotator in kinds.KINDS:
            rotators.register(rotator)
        for kind in turns.KINDS:
            decision_type_registry.register(kind)
        # Permissions are rows that Django itself makes after migrate; no migration can name them.
        post_migrate.connect(grant_roles, dispatch_uid="security.roles")
        post_migrate.connect(plant_secrets, sender=self, dispatch_uid="security.secrets")
        watch_doors()


def watch_doors() -> None:
    """Hear of sign-ins and second factors, and tell the doctor where to look."""
    from allauth.account import signals as account  # noqa: PLC0415 - models are ready only now
    from allauth.mfa import signals as factors  # noqa: PLC0415 - the same
    from axes.signals import user_locked_out  # noqa: PLC0415 - the same
    from django.contrib.auth.signals import user_login_failed  # noqa: PLC0415 - the same

    from aethercrown.monitoring import doctor  # noqa: PLC0415 - the same
    from security.access import services as access  # noqa: PLC0415 - the same
    from security.access.services import signin_audit as doors  # noqa: PLC0415 - the same
    from security.standing import reports as standing  # noqa: PLC0415 - the same

    account.authentication_step_completed.connect(
        access.proved_again, dispatch_uid="security.proved"
    )
    account.user_logged_in.connect(access.signed_in, dispatch_uid="security.signed_in")
    user_login_failed.connect(doors.password_refused, dispatch_uid="security.refused")
    user_locked_out.connect(doors.name_closed, dispatch_uid="security.closed")
    factors.authentication_failed.connect(doors.code_refused, dispatch_uid="security.code")
    factors.authenticator_added.connect(access.factor_added, dispatch_uid="security.added")
    factors.authenticator_removed.connect(access.factor_removed, dispatch_uid="security.removed")
    for look in standing.LOOKS:
        doctor.register(look)


def grant_roles(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Give each role its permissions of the app that has just been migrated."""
    from security.access import services  # noqa: PLC0415 - models are not ready at import

    if using == "default":
        services.grant(app_config.label)


def plant_secrets(using: str, apps: Any = None, **kwargs: Any) -> None:
    """Make the platform's own secrets once their table stands, as of its migrations just run."""
    from django.utils import timezone  # noqa: PLC0415 - models are not ready at import

    from security.encryption.services import system_secrets as system  # noqa: PLC0415 - the same

    stands = apps is None or "systemsecret" in apps.all_models["security"]
    if using == "default" and stands:
        system.plant(timezone.now())
