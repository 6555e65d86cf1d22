"""What the app registers with the kernel and with operations when it starts, and its signals."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factors
from allauth.socialaccount.models import SocialAccount
from axes.signals import user_locked_out
from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models.signals import post_delete, post_migrate, pre_delete
from django.utils import timezone
from simple_history.signals import post_create_historical_record

from aethercrown.api import idempotency
from aethercrown.backup import hooks
from aethercrown.crypto import sealing
from aethercrown.db.sealed import sealed_columns
from aethercrown.history import attribution, audit_hooks
from aethercrown.history.tracking import history_erased, history_stored
from aethercrown.metrics.registry import metric_registry
from aethercrown.monitoring import doctor
from aethercrown.search import search_sources
from operations.automations.registry import automation_registry
from operations.decisions.decision_types import decision_type_registry
from operations.jobs import caller as job_caller
from operations.messaging.outside.mail_kinds import mail_kinds
from security.access import reports as people
from security.access.reports import PEOPLE
from security.access.services import (
    account_audit,
    identity_provider,
    password_link,
    roles,
    sessions,
    signin_audit,
)
from security.access.services.second_factor import SecondFactorSecrets
from security.apikeys import reports as apikeys
from security.apikeys import services as apikey_services
from security.audit import services as audit
from security.audit.services import automation as audit_automation
from security.encryption.reports.doctor import STORED_SECRETS
from security.encryption.services import system_secrets, texts
from security.restore.services import BACKUP_HOOK
from security.rotation import reports as managed_keys
from security.rotation.channels.files import FileChannel, KubernetesManifest, PullChannel
from security.rotation.registry import channels, rotators
from security.rotation.reports import company_metrics
from security.rotation.reports.doctor import KEYS
from security.rotation.rotators.apikey import PlatformApiKey
from security.rotation.rotators.database import DatabasePassword
from security.rotation.rotators.generated import Generated, Manual
from security.rotation.rotators.webhook import Webhook
from security.rotation.services import automation, decisions
from security.rotation.services.register import digest_context

SIGN_IN_SIGNALS = (
    (account.authentication_step_completed, sessions.note_fresh_sign_in),
    (factors.authenticator_added, sessions.note_factor_added),
    (factors.authenticator_removed, sessions.note_factor_removed),
    (account.user_logged_in, signin_audit.record_sign_in),
    (account.user_logged_in, identity_provider.note_sign_in),
    (user_login_failed, signin_audit.record_wrong_password),
    (user_locked_out, signin_audit.record_lockout),
    (factors.authentication_failed, signin_audit.record_wrong_code),
    (factors.authenticator_added, signin_audit.record_factor_added),
)


def register(app: AppConfig) -> None:
    mail_kinds.register_all(password_link.MAIL_KINDS)
    audit_hooks.keep("audit", audit.record)
    hooks.registered.register(BACKUP_HOOK)
    attribution.resolve_keys_by(apikeys.creator_of, apikeys.makers_of)
    attribution.check_approving_keys_by(apikeys.may_approve)
    attribution.resolve_people_by(people.holders_of)
    job_caller.refusals.append(apikeys.why_refused)
    sealing.use(texts)
    sealing.columns.register(
        sealing.TextColumn("aethercrown.IdempotencyRecord", "sealed", idempotency.about)
    )
    sealing.columns.register(SecondFactorSecrets())
    sealing.columns.register_all(sealed_columns())
    metric_registry.register_all(company_metrics.METRICS)
    sealing.columns.register(
        sealing.TextColumn("security.ManagedSecret", "sealed_first_digest", digest_context)
    )
    for check in (PEOPLE, STORED_SECRETS, KEYS):
        doctor.register(check)
    for source in (managed_keys.SEARCH, apikeys.SEARCH):
        search_sources.register(source)
    for each in (*audit_automation.AUTOMATIONS, *automation.AUTOMATIONS):
        automation_registry.register(each)
    places = (lambda: settings.KEY_FILES_DIR, lambda: settings.KEY_RELOAD_COMMANDS)
    for channel in (Webhook(), FileChannel(*places), KubernetesManifest(*places), PullChannel()):
        channels.register(channel)
    for rotator in (Generated(), PlatformApiKey(), DatabasePassword(), Webhook(), Manual()):
        rotators.register(rotator)
    decision_type_registry.register(decisions.KEY_ROTATION)
    connect_signals(app)


def connect_signals(app: AppConfig) -> None:
    for signal, receiver in SIGN_IN_SIGNALS:
        signal.connect(receiver, dispatch_uid=f"security.{receiver.__name__}")
    for change, sender, recorder in account_audit.RECEIVERS:
        uid = f"security.{recorder.__name__}.{sender.__name__}"
        change.connect(recorder, sender=sender, dispatch_uid=uid)
    post_delete.connect(
        identity_provider.record_unlinked, sender=SocialAccount, dispatch_uid="security.unlinked"
    )
    pre_delete.connect(
        withdraw_scopes, sender=settings.AUTH_USER_MODEL, dispatch_uid="security.apikeys"
    )
    post_create_historical_record.connect(
        audit.record_history_digest, dispatch_uid="security.audit"
    )
    history_stored.connect(audit.record_history_digests, dispatch_uid="security.audit")
    history_erased.connect(audit.record_erasure, dispatch_uid="security.audit")
    # Permissions are rows that Django creates after migrate, so no migration can name them.
    post_migrate.connect(sync_role_permissions, dispatch_uid="security.roles")
    post_migrate.connect(create_system_secrets, sender=app, dispatch_uid="security.secrets")


def withdraw_scopes(instance: Any, **_signal: Any) -> None:
    """The keys of an account that goes do nothing more in its name."""
    apikey_services.withdraw_personal_scopes(instance)


def sync_role_permissions(app_config: Any, using: str, **_signal: Any) -> None:
    """Give each role its permissions of the app that has just been migrated."""
    if using == "default":
        roles.sync_role_permissions(app_config.label)


def create_system_secrets(using: str, apps: Any = None, **_signal: Any) -> None:
    """Create the platform's own secrets, if the migrations just run have created their table."""
    has_table = apps is None or "systemsecret" in apps.all_models["security"]
    if using == "default" and has_table:
        system_secrets.create_system_secrets(timezone.now())
