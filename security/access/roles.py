"""Which permissions each role holds.

The roles are groups of these names. Every migrate sets their permissions to those listed here; a
company with other needs adds groups of its own.
"""

VIEWER = "viewer"
OPERATOR = "operator"
APPROVER = "approver"
OFFICER = "security officer"
ADMINISTRATOR = "administrator"
ROLES = (VIEWER, OPERATOR, APPROVER, OFFICER, ADMINISTRATOR)

BUSINESS = frozenset({"operations", "marketing", "revenue", "enterprise"})
SCHEDULES = "django_celery_beat"
KEYS = frozenset(
    {
        *("view_apikey", "add_apikey", "change_apikey"),
        *("view_managedsecret", "add_managedsecret", "change_managedsecret"),
        *("view_secretversion", "view_rotationpolicy", "change_rotationpolicy"),
        *("view_rotationrun", "view_outsidetask"),
        *("view_secretbinding", "add_secretbinding"),
        *("change_secretbinding", "delete_secretbinding"),
        *("view_keychannel", "add_keychannel", "change_keychannel", "delete_keychannel"),
    }
)
AUDIT = frozenset({"view_event", "view_anchor"})
# A security officer, not an operator, decides which private networks may be reached.
NETWORKS = "allow_networks"
COMPONENTS = frozenset(
    {NETWORKS, "add_component", "change_component", "add_destination", "change_destination"}
)

# Who holds one of these needs a second factor: who approves, rotates, grants or reads secrets.
FACTOR_PERMISSIONS = frozenset(
    {
        "security.approve_decisions",
        *("security.add_apikey", "security.change_apikey"),
        *("security.add_managedsecret", "security.change_managedsecret"),
        "security.change_rotationpolicy",
        *("security.add_secretbinding", "security.change_secretbinding"),
        *("security.add_keychannel", "security.change_keychannel"),
        *("security.add_user", "security.change_user", "security.delete_user"),
        *("auth.add_group", "auth.change_group", "auth.delete_group"),
        "mfa.delete_authenticator",
    }
)


def grants(role: str, app: str, codename: str) -> bool:
    """Whether `role` has Django's permission `codename` of `app`."""
    if role == ADMINISTRATOR:
        return True
    if app == "security":
        return codename in SECURITY[role]
    if app in BUSINESS:
        if role == OFFICER and app == "operations" and codename in COMPONENTS:
            return True
        return codename.startswith("view_") or (role == OPERATOR and codename != NETWORKS)
    return app == SCHEDULES and (role == OPERATOR or codename.startswith("view_"))


SECURITY = {
    VIEWER: frozenset({"view_pages"}),
    OPERATOR: frozenset({"view_pages", "operate"}),
    APPROVER: frozenset({"view_pages", "approve_decisions"}),
    OFFICER: frozenset({"view_pages", "view_user"}) | KEYS | AUDIT,
}
