"""Scopes of API keys: read and write for each area, and two that `all` leaves out. Pure."""

from collections.abc import Collection, Iterable, Mapping

AREAS = ("optimization", "revenue", "dashboard", "content", "enterprise", "operational")
ALL = tuple(f"{area}:{mode}" for area in AREAS for mode in ("read", "write"))
APPROVE = "decisions:approve"
REVEAL = "security:reveal"
GRANTABLE = (*ALL, APPROVE, REVEAL)  # `all` names those of ALL only
# What a key does in the name of the person who made it, and only while that person may do it.
PERSONAL = frozenset({APPROVE})
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPERATE, DECIDE = "security.operate", "security.approve_decisions"
# What a person must hold to give a key the scope: all that a call with it could do. A test
# compares these with the permissions that the views of each scope ask of a person.
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "optimization:read": frozenset({"marketing.view_budgetplan", "operations.view_task"}),
    "optimization:write": frozenset({OPERATE, DECIDE}),
    "revenue:read": frozenset(
        {
            *("revenue.view_contact", "revenue.view_invoice", "revenue.view_invoicedocument"),
            *("revenue.view_opportunity", "revenue.view_pricebookversion"),
        }
    ),
    "revenue:write": frozenset({OPERATE}),
    "dashboard:read": frozenset({"security.view_pages"}),
    "dashboard:write": frozenset({OPERATE}),
    "content:read": frozenset({"security.view_pages"}),
    "content:write": frozenset({OPERATE}),
    "enterprise:read": frozenset(
        {"enterprise.view_onboardingflow", "enterprise.view_usagebackfill"}
        | {"enterprise.view_usageevent", "security.view_pages"}
    ),
    "enterprise:write": frozenset({OPERATE, DECIDE}),
    "operational:read": frozenset(
        {
            *("operations.view_component", "operations.view_dataimport", "operations.view_job"),
            "security.view_managedsecret",
        }
    ),
    "operational:write": frozenset({"operations.add_component", "security.change_managedsecret"}),
    APPROVE: frozenset({DECIDE}),
    REVEAL: frozenset({"security.change_managedsecret"}),
}


class UnknownScope(ValueError):
    """A name is no scope, or none was given."""


class ScopeNotHeld(ValueError):
    """Somebody would hand out a scope that they do not hold."""


def parse(text: str) -> tuple[str, ...]:
    """The scopes of `all`, or of names separated by commas. Raises UnknownScope."""
    return chosen(name for name in (part.strip() for part in text.split(",")) if name)


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The scopes named, each once, in the order of GRANTABLE; `all` names those of ALL."""
    wanted = set(names)
    if "all" in wanted:
        wanted = (wanted - {"all"}) | set(ALL)
    unknown = sorted(wanted - set(GRANTABLE))
    if unknown:
        raise UnknownScope(f"No such scope: {', '.join(unknown)}. {KNOWN}")
    if not wanted:
        raise UnknownScope(f"Name at least one scope. {KNOWN}")
    return tuple(scope for scope in GRANTABLE if scope in wanted)


KNOWN = f"Known: all, {', '.join(GRANTABLE)}."


def needed(area: str, method: str) -> str:
    """The scope that a call of `method` in `area` needs."""
    return f"{area}:{'read' if method in READ_METHODS else 'write'}"


def covers(granted: Collection[str], wanted: Collection[str]) -> bool:
    """Whether the scopes `granted` include all of `wanted`; False where none is wanted."""
    return bool(wanted) and set(wanted) <= set(granted)


def held_by(permissions: Collection[str]) -> frozenset[str]:
    """The scopes that a person with these permissions may give to a key."""
    held = set(permissions)
    return frozenset(scope for scope, asked in PERMISSIONS.items() if asked <= held)


def check_held(wanted: Iterable[str], held: Collection[str], who: str) -> None:
    """Raise ScopeNotHeld, which names what is lacking, unless `held` has all of `wanted`."""
    lacking = [scope for scope in GRANTABLE if scope in set(wanted) - set(held)]
    if lacking:
        raise ScopeNotHeld(f"{who} lacks {', '.join(lacking)}, so it cannot be handed out.")
