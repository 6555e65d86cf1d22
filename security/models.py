from security.access.models import SetupLink, User
from security.apikeys.models import ApiKey
from security.audit.models import Anchor, AuditStream, Event
from security.encryption.models import Kek, SystemSecret
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun, SecretVersion

__all__ = [
    "Anchor",
    "ApiKey",
    "AuditStream",
    "Event",
    "Kek",
    "ManagedSecret",
    "RotationPolicy",
    "RotationRun",
    "SecretVersion",
    "SetupLink",
    "SystemSecret",
    "User",
]
