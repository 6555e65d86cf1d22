"""Issue, revoke, rotate and verify API keys; extend those that are in use at their end."""

from security.apikeys.services.authenticate import Credential, NetworkNotAllowed, verify_key
from security.apikeys.services.expiry import check_expiring_keys
from security.apikeys.services.issue import (
    GRACE,
    ApiKeyNotActive,
    IssuedKey,
    KeyLimits,
    ReasonRequired,
    UnknownApiKey,
    check_reason,
    create,
    move_to_customer,
    replace,
    revoke,
    revoke_of_customers,
    rotate,
    take_over,
    withdraw_personal_scopes,
    works_until,
)
