from security.access.admin import AuthenticatorAdmin, GroupAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin

__all__ = ["ApiKeyAdmin", "AuthenticatorAdmin", "GroupAdmin", "UserAdmin"]
