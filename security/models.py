from security.access.models import PasswordLink, SetupLink, User
from security.apikeys.models import ApiKey
from security.audit.models import Anchor, AuditStream, Event
from security.encryption.models import Kek, SystemSecret
from security.rotation.models import (
    KeyChannel,
    ManagedSecret,
    OutsideTask,
    RotationOrder,
    RotationPolicy,
    RotationRun,
    SecretBinding,
    SecretVersion,
)

__all__ = [
    "Anchor",
    "ApiKey",
    "AuditStream",
    "Event",
    "Kek",
    "KeyChannel",
    "ManagedSecret",
    "OutsideTask",
    "PasswordLink",
    "RotationOrder",
    "RotationPolicy",
    "RotationRun",
    "SecretBinding",
    "SecretVersion",
    "SetupLink",
    "SystemSecret",
    "User",
]
