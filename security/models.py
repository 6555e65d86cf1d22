from security.access.models import User
from security.apikeys.models import ApiKey

__all__ = ["ApiKey", "User"]
