from security.access.models import User
from security.apikeys.models import ApiKey
from security.audit.models import Anchor, Event, Head

__all__ = ["Anchor", "ApiKey", "Event", "Head", "User"]
