from security.access.admin import GroupAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin

__all__ = ["ApiKeyAdmin", "GroupAdmin", "UserAdmin"]
