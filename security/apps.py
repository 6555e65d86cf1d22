from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SecurityConfig(AppConfig):
    name = "security"

    def ready(self) -> None:
        """Register what security does for the kernel and for operations; connect its signals."""
        register_audit()
        register_encryption()
        register_doctor()
        register_rotation()
        connect_sign_in()
        # Permissions are rows that Django creates after migrate, so no migration can name them.
        post_migrate.connect(sync_role_permissions, dispatch_uid="security.roles")
        post_migrate.connect(create_system_secrets, sender=self, dispatch_uid="security.secrets")


def register_audit() -> None:
    from simple_history.signals import post_create_historical_record  # noqa: PLC0415 - needs models

    from aethercrown.backup import hooks  # noqa: PLC0415 - the same
    from aethercrown.history import audit_hooks  # noqa: PLC0415 - the same
    from security.audit import services as audit  # noqa: PLC0415 - the same
    from security.restore import services as restore  # noqa: PLC0415 - the same

    audit_hooks.keep("audit", audit.record)
    post_create_historical_record.connect(
        audit.record_history_digest, dispatch_uid="security.audit"
    )
    hooks.registered.register(restore.BACKUP_HOOK)


def register_encryption() -> None:
    from aethercrown.api import idempotency  # noqa: PLC0415 - models are ready only now
    from aethercrown.crypto import sealing  # noqa: PLC0415 - the same
    from security.access.services.second_factor import SecondFactorSecrets  # noqa: PLC0415
    from security.encryption.services.texts import TextSealer  # noqa: PLC0415 - the same

    sealing.use(TextSealer())
    sealing.columns.register(
        sealing.TextColumn("aethercrown.IdempotencyRecord", "sealed", idempotency.about)
    )
    sealing.columns.register(SecondFactorSecrets())


def register_doctor() -> None:
    from aethercrown.monitoring import doctor  # noqa: PLC0415 - models are ready only now
    from security.access.reports import doctor as access  # noqa: PLC0415 - the same
    from security.encryption.reports import doctor as encryption  # noqa: PLC0415 - the same
    from security.rotation.reports import doctor as rotation  # noqa: PLC0415 - the same

    for look in (*access.LOOKS, *encryption.LOOKS, *rotation.LOOKS):
        doctor.register(look)


def register_rotation() -> None:
    from operations.automations.registry import automation_registry  # noqa: PLC0415 - needs models
    from operations.decisions.decision_types import decision_type_registry  # noqa: PLC0415
    from security.audit.services import automation as audit  # noqa: PLC0415 - the same
    from security.rotation.registry import rotators  # noqa: PLC0415 - the same
    from security.rotation.rotators.builtin import BUILTIN_ROTATORS  # noqa: PLC0415 - the same
    from security.rotation.services import automation, decisions  # noqa: PLC0415 - the same

    for each in (*audit.AUTOMATIONS, *automation.AUTOMATIONS):
        automation_registry.register(each)
    for rotator in BUILTIN_ROTATORS:
        rotators.register(rotator)
    for kind in decisions.DECISION_TYPES:
        decision_type_registry.register(kind)


def connect_sign_in() -> None:
    """Connect the signals of sign-ins and second factors."""
    from allauth.account import signals as account  # noqa: PLC0415 - models are ready only now
    from allauth.mfa import signals as factors  # noqa: PLC0415 - the same
    from axes.signals import user_locked_out  # noqa: PLC0415 - the same
    from django.contrib.auth.signals import user_login_failed  # noqa: PLC0415 - the same

    from security.access.services import sessions  # noqa: PLC0415 - the same
    from security.access.services import signin_audit as audit  # noqa: PLC0415 - the same

    for signal, receiver in (
        (account.authentication_step_completed, sessions.note_fresh_sign_in),
        (account.user_logged_in, audit.record_sign_in),
        (user_login_failed, audit.record_wrong_password),
        (user_locked_out, audit.record_lockout),
        (factors.authentication_failed, audit.record_wrong_code),
        (factors.authenticator_added, audit.record_factor_added),
        (factors.authenticator_removed, audit.record_factor_removed),
    ):
        signal.connect(receiver, dispatch_uid=f"security.{receiver.__name__}")


def sync_role_permissions(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Give each role its permissions of the app that has just been migrated."""
    from security.access import services  # noqa: PLC0415 - models are not ready at import

    if using == "default":
        services.sync_role_permissions(app_config.label)


def create_system_secrets(using: str, apps: Any = None, **kwargs: Any) -> None:
    """Create the platform's own secrets, if the migrations just run have created their table."""
    from django.utils import timezone  # noqa: PLC0415 - models are not ready at import

    from security.encryption.services import system_secrets  # noqa: PLC0415 - the same

    has_table = apps is None or "systemsecret" in apps.all_models["security"]
    if using == "default" and has_table:
        system_secrets.create_system_secrets(timezone.now())
