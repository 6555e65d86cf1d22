"""Who may do what, written down apart from the code: the expected side of the access matrix.

A call of the API, a screen's button or an action that is not listed here fails the matrix.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import URLPattern, URLResolver, get_resolver

from security.access import roles
from security.access.models import User
from security.access.roles import ADMINISTRATOR, APPROVER, OFFICER, OPERATOR, ROLES
from security.apikeys import scopes, services

STRANGER, NO_STAFF, NO_ROLE = "stranger", "viewer without the staff flag", "staff without a role"
EVERY_ROLE = frozenset(ROLES)
KEEPERS = frozenset({OFFICER, ADMINISTRATOR})
OPERATORS = frozenset({OPERATOR, ADMINISTRATOR})
DECIDERS = frozenset({APPROVER, ADMINISTRATOR})
ADMINISTRATORS = frozenset({ADMINISTRATOR})
NOBODY: frozenset[str] = frozenset()
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class CallRule:
    """Roles that read and write by a session; `post_reads` where a POST only computes."""

    path: str
    readers: frozenset[str]
    writers: frozenset[str]
    post_reads: bool = False


# The first that matches counts.
CALLS = (
    CallRule("api/v1/(schema|docs)$", EVERY_ROLE | {NO_ROLE}, EVERY_ROLE | {NO_ROLE}),
    CallRule("metrics$", EVERY_ROLE, OPERATORS),
    CallRule("api/v1/operational/security/keys/<str:key_id>/value$", NOBODY, NOBODY),
    CallRule("api/v1/operational/security/keys/", KEEPERS, KEEPERS),
    CallRule("api/v1/operational/health/components$", EVERY_ROLE, OPERATORS | {OFFICER}),
    CallRule(r"api/v1/\^?operational/(health|jobs)", EVERY_ROLE, OPERATORS),
    CallRule(r"api/v1/\^?optimization/budget/plans", EVERY_ROLE, DECIDERS),
    CallRule(r"api/v1/\^?optimization/", EVERY_ROLE, OPERATORS),
    CallRule("api/v1/enterprise/usage/analyze-upsell$", EVERY_ROLE, EVERY_ROLE, post_reads=True),
    CallRule("api/v1/enterprise/usage/backfills", EVERY_ROLE, DECIDERS),
    CallRule("api/v1/enterprise/", EVERY_ROLE, OPERATORS),
    CallRule("api/v1/revenue/invoices/preview$", EVERY_ROLE, EVERY_ROLE, post_reads=True),
    CallRule(r"api/v1/\^?revenue/", EVERY_ROLE, OPERATORS),
)
# Buttons and actions of the admin, by screen: who may use them.
ACTIONS = {
    "enterprise.BusinessCalendar": {"draft": OPERATORS},
    "enterprise.CalendarVersion": dict.fromkeys(("publish", "move_running"), OPERATORS),
    "enterprise.OnboardingTemplate": {"draft": OPERATORS},
    "enterprise.OnboardingTemplateVersion": dict.fromkeys(("publish", "retire"), OPERATORS),
    "enterprise.OnboardingFlow": dict.fromkeys(
        ("put_on_hold", "resume", "cancel", "roll_back", "add_contact", "move"), OPERATORS
    ),
    "enterprise.OnboardingContact": dict.fromkeys(("send_link", "revoke", "leave"), OPERATORS),
    "enterprise.OnboardingStep": dict.fromkeys(
        (
            *("complete", "start", "wait", "resume", "block"),
            *("retry", "skip", "reopen", "assign"),
        ),
        OPERATORS,
    ),
    "enterprise.TierOverride": {"end": OPERATORS},
    "enterprise.TierRuleSet": {
        "draft": OPERATORS,
        "publish": OPERATORS,
        "try_company": EVERY_ROLE,
    },
    "enterprise.UsageEvent": {"export_csv": NOBODY},  # only imported
    "enterprise.UsageBackfill": dict.fromkeys(
        ("preview_backfill", "apply_backfill", "revert_backfill"), DECIDERS
    ),
    "marketing.BudgetPlan": dict.fromkeys(("approve", "reject", "roll_back"), DECIDERS),
    "marketing.BudgetTask": {"finish": OPERATORS},
    "operations.Alert": dict.fromkeys(
        (*("acknowledge_selected", "resolve_selected"), *("acknowledge", "resolve", "silence")),
        OPERATORS,
    ),
    "operations.Automation": {"run_now": OPERATORS, "dry_run": OPERATORS},
    "operations.Component": {"end_maintenance": OPERATORS | {OFFICER}, "check_now": OPERATORS},
    "operations.Decision": dict.fromkeys(
        (
            *("approve_selected", "reject_selected", "roll_back_selected"),
            *("approve", "reject", "roll_back"),
        ),
        DECIDERS,
    ),
    "operations.Job": {"cancel_selected": OPERATORS, "cancel_one": OPERATORS},
    "operations.Destination": {"send_test": OPERATORS},
    "operations.Message": {"send_again": OPERATORS},
    "operations.RecipientAddress": dict.fromkeys(("suppress", "allow_again"), OPERATORS),
    "operations.RepeatingImport": {"look_now": OPERATORS},
    "operations.MailTemplateVersion": {"publish": OPERATORS},
    "operations.Task": {"requeue": OPERATORS, "cancel": OPERATORS},
    "revenue.Customer": {
        "download_data": EVERY_ROLE,
        "merge": OPERATORS,
        "erase": OPERATORS,
    },
    "revenue.InvoiceRun": dict.fromkeys(("issue_month", "preview_again", "issue"), DECIDERS),
    "revenue.Invoice": {"import_csv": NOBODY, "issue_one": DECIDERS, "credit": DECIDERS},
    "revenue.InvoiceDocument": {"import_csv": NOBODY, "download": EVERY_ROLE}
    | dict.fromkeys(("mail", "pay", "reopen", "write_off"), OPERATORS),
    "revenue.Contact": dict.fromkeys(("consent_given", "consent_withdrawn"), OPERATORS),
    "revenue.Subscription": {"schedule": OPERATORS},
    "revenue.ScheduledChange": {"cancel": OPERATORS},
    "revenue.UnbilledUseChoice": {"choose": DECIDERS},
    "marketing.Performance": {"import_file": OPERATORS},
    "operations.DataImport": {"open_page": EVERY_ROLE},
    **{
        screen: {"import_csv": NOBODY}  # their rows come from elsewhere
        for screen in ("revenue.CreditNote", "revenue.MrrMovement")
    },
    "revenue.Opportunity": {"import_csv": NOBODY}
    | dict.fromkeys(("offer_all", "offer", "accept", "decline", "withdraw"), OPERATORS),
    "revenue.CreditEntry": {"import_csv": NOBODY, "pay_out": DECIDERS},
    "revenue.PriceBook": {"draft": OPERATORS},
    "revenue.PriceBookVersion": dict.fromkeys(
        ("publish", "retire", "publish_one", "retire_one"), DECIDERS
    ),
    "revenue.Quote": {"request_override": OPERATORS},
    "security.ApiKey": dict.fromkeys(
        ("rotate", "replace", "take_over", "revoke", "rotate_one", "revoke_one"), KEEPERS
    ),
    "security.ManagedSecret": dict.fromkeys(
        (
            *("rotate_selected", "rotate_due", "evidence_pack", "rotate_now", "enter_value"),
            "edit",
            *("mark_compromised", "rehearse", "pause", "resume", "revoke"),
        ),
        KEEPERS,
    ),
    "security.KeyChannel": {"test": KEEPERS},
    "security.OutsideTask": {"close": KEEPERS},
    "security.User": {"end_sessions": ADMINISTRATORS},
}
TRANSFERS = {"import_csv": OPERATORS, "export_csv": EVERY_ROLE}
SCREENS = sorted(admin.site._registry.items(), key=lambda each: each[0]._meta.label)


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, path)
        else:
            yield path, each


def filled(path: str) -> str:
    """An address that the pattern `path` takes."""
    path = re.sub(r"<uuid:\w+>", str(UUID(int=1)), path)
    path = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "1", path)
    for mark in ("^", "$", "\\Z", "/?"):
        path = path.replace(mark, "")
    return f"/{path}"


ROUTES = list(patterns(get_resolver()))
API_ROUTES = [
    (path, view) for path, each in ROUTES if (view := getattr(each.callback, "cls", None))
]


def call_rule(path: str) -> CallRule | None:
    return next((each for each in CALLS if re.match(each.path, path)), None)


def person_may_call(caller: str, path: str, method: str) -> bool:
    """Whether somebody with a session may make the call."""
    rule = call_rule(path)
    if rule is None:
        return False
    return caller in (rule.readers if method in READING else rule.writers)


def key_may_call(held: frozenset[str], path: str, method: str) -> bool:
    """Whether a key with these scopes may make the call."""
    rule = call_rule(path)
    if rule is None or path.endswith(("v1/schema", "v1/docs")):
        return rule is not None
    if path.endswith("/value"):
        return scopes.REVEAL in held
    area = re.sub(r"^api/v1/\^?|^metrics$", "", path).partition("/")[0] or "operational"
    reads = method in READING or (rule.post_reads and method == "POST")
    mode = "read" if reads or rule.post_reads else "write"
    return f"{area}:{mode}" in held


def person(caller: str) -> User:
    """A person of that kind; the roles are staff."""
    user = User.objects.create_user(f"p{User.objects.count()}", is_staff=caller != NO_STAFF)
    role = roles.VIEWER if caller == NO_STAFF else caller
    user.groups.set(Group.objects.filter(name=role))
    return User.objects.get(pk=user.pk)


PEOPLE = (NO_STAFF, NO_ROLE, *ROLES)
KEY_SCOPES: dict[str, frozenset[str]] = {
    **{scope: frozenset({scope}) for scope in scopes.GRANTABLE},
    "all": frozenset(scopes.ALL),
}


def key(held: frozenset[str]) -> str:
    return services.create("a client", held).plaintext
