from security.access.admin import AuthenticatorAdmin, GroupAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin
from security.audit.admin import AnchorAdmin, EventAdmin
from security.keyroom.admin import PassAdmin, PolicyAdmin
from security.rotation.admin import KeyAdmin

__all__ = [
    "AnchorAdmin",
    "ApiKeyAdmin",
    "AuthenticatorAdmin",
    "EventAdmin",
    "GroupAdmin",
    "KeyAdmin",
    "PassAdmin",
    "PolicyAdmin",
    "UserAdmin",
]
