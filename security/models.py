from security.access.models import User

__all__ = ["User"]
