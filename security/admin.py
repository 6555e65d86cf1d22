from security.access.admin import AuthenticatorAdmin, GroupAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin
from security.keyroom.admin import PassAdmin, PolicyAdmin
from security.rotation.admin import KeyAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuthenticatorAdmin",
    "GroupAdmin",
    "KeyAdmin",
    "PassAdmin",
    "PolicyAdmin",
    "UserAdmin",
]
