from security.access.models import SetupLink, User
from security.apikeys.models import ApiKey
from security.audit.models import Anchor, Event, AuditStream
from security.encryption.models import Kek, SystemSecret
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun, SecretVersion

__all__ = [
    "Anchor",
    "ApiKey",
    "Event",
    "AuditStream",
    "Kek",
    "ManagedSecret",
    "RotationRun",
    "RotationPolicy",
    "SetupLink",
    "SystemSecret",
    "User",
    "SecretVersion",
]
