"""Roles, sessions, the set-up link, and the audit of sign-ins."""

from security.access.services.password_link import (
    InvalidInvitation,
    PasswordLinkInvalid,
    choose_password,
    invite,
    invite_again,
    mail_is_on,
    password_link_of,
    path_of_password_link,
    request_reset,
    roles_for,
)
from security.access.services.people import (
    LAST_ADMINISTRATOR,
    LastAdministrator,
    delete,
    is_last_administrator,
    lock_administrators,
)
from security.access.services.second_factor import remove_factor
from security.access.services.sessions import end_sessions
from security.access.services.setup_link import (
    LIFETIME_MINUTES,
    AlreadySetUp,
    SetupLinkInvalid,
    create_first_administrator,
    create_setup_link,
    is_setup_link_valid,
)
from security.access.services.single_sign_on import ROLES_FROM_PROVIDER
