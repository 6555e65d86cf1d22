from security.access.admin import AuthenticatorAdmin, GroupAdmin, UserAdmin
from security.apikeys.admin import ApiKeyAdmin
from security.audit.admin import AnchorAdmin, EventAdmin
from security.rotation.admin import KeyAdmin
from security.rotation.admin.keys import PassAdmin, PolicyAdmin

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
