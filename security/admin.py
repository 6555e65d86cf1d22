from security.access.admin import AuthenticatorAdmin, GroupAdmin, SingleSignOnAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin
from security.audit.admin import AnchorAdmin, EventAdmin
from security.compliance.admin import ManagedSecretEvidenceAdmin
from security.rotation.admin import (
    KeyChannelAdmin,
    ManagedSecretAdmin,
    OutsideTaskAdmin,
    RotationPolicyAdmin,
    RotationRunAdmin,
    SecretBindingAdmin,
)

__all__ = [
    "AnchorAdmin",
    "ApiKeyAdmin",
    "AuthenticatorAdmin",
    "EventAdmin",
    "GroupAdmin",
    "KeyChannelAdmin",
    "ManagedSecretAdmin",
    "ManagedSecretEvidenceAdmin",
    "OutsideTaskAdmin",
    "RotationPolicyAdmin",
    "RotationRunAdmin",
    "SecretBindingAdmin",
    "SingleSignOnAdmin",
    "UserAdmin",
]
