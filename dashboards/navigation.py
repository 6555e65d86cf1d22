"""The navigation of the pages and of the admin, by job: each page with the admin lists behind it.

A new page or admin list gets its place here; a test names those without one. `Shell` is what the
frame of a page (templates/shell) reads: only what the person who is signed in may open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.text import capfirst

from dashboards import access


@dataclass(frozen=True, slots=True)
class NavigationJob:
    """One entry: its page, and labels of the models whose admin lists belong to it.

    Without a page the entry opens the first of its lists that the person may open.
    """

    title: str
    page: str = ""
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NavLink:
    """A link that the person may open; `current` on the page that it opens or one below."""

    title: str
    path: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """Links under a heading."""

    title: str
    links: tuple[NavLink, ...]


GROUPS: tuple[tuple[str, tuple[NavigationJob, ...]], ...] = (
    (
        "Today",
        (
            NavigationJob("Overview", "/"),
            NavigationJob(
                "Decisions",
                "/dashboards/decisions",
                ("operations.decision", "operations.foureyesrule"),
            ),
            NavigationJob(
                "Alerts",
                "/dashboards/alerts",
                (
                    "operations.alert",
                    "operations.silence",
                    "operations.destination",
                    "operations.message",
                    "operations.recipientaddress",
                    "operations.sendingrule",
                    "operations.mailtemplateversion",
                ),
            ),
        ),
    ),
    (
        "Marketing",
        (
            NavigationJob(
                "Imports",
                "/dashboards/imports",
                ("operations.dataimport", "operations.repeatingimport"),
            ),
            NavigationJob(
                "Budget",
                "/dashboards/budget",
                (
                    "marketing.channel",
                    "marketing.performance",
                    "marketing.totalrevenue",
                    "marketing.calendarflag",
                    "marketing.lifttest",
                    "marketing.budgetamount",
                    "marketing.budgetplan",
                    "marketing.budgettask",
                    "marketing.allocation",
                ),
            ),
        ),
    ),
    (
        "Revenue",
        (
            NavigationJob("MRR", "/dashboards/revenue", ("revenue.mrrmovement",)),
            NavigationJob(
                "Customers",
                "/dashboards/customers",
                (
                    "revenue.customer",
                    "revenue.contact",
                    "revenue.subscription",
                    "revenue.scheduledchange",
                    "revenue.payment",
                ),
            ),
            NavigationJob(
                "Plans & prices",
                "/dashboards/pricing",
                (
                    "revenue.pricebook",
                    "revenue.pricebookversion",
                    "revenue.pricingplan",
                    "revenue.quote",
                ),
            ),
            NavigationJob(
                "Invoices",
                "/dashboards/invoices",
                (
                    "revenue.invoice",
                    "revenue.invoicedocument",
                    "revenue.invoicerun",
                    "revenue.creditnote",
                    "revenue.creditentry",
                    "revenue.unbilledusechoice",
                    "revenue.billingdetails",
                    "revenue.invoiceissuer",
                    "revenue.numberseries",
                    "revenue.meter",
                    "revenue.dailyuse",
                ),
            ),
            NavigationJob(
                "Upsell", "/dashboards/upsell", ("revenue.opportunity", "revenue.offerterms")
            ),
        ),
    ),
    (
        "Clients",
        (
            NavigationJob(
                "Onboarding",
                "/dashboards/onboarding",
                (
                    "enterprise.onboardingflow",
                    "enterprise.onboardingstep",
                    "enterprise.onboardingcontact",
                    "enterprise.onboardingtemplate",
                    "enterprise.onboardingtemplateversion",
                    "enterprise.onboardingtemplatestep",
                    "enterprise.teammember",
                    "enterprise.ownercostweight",
                ),
            ),
            NavigationJob(
                "Service levels",
                "/dashboards/sla",
                (
                    "enterprise.slaclock",
                    "enterprise.slabreach",
                    "enterprise.slatier",
                    "enterprise.tierruleset",
                    "enterprise.tieroverride",
                    "enterprise.slaassignment",
                    "enterprise.businesscalendar",
                    "enterprise.calendarversion",
                    "enterprise.slathreshold",
                ),
            ),
            NavigationJob(
                "Usage",
                "/dashboards/usage",
                (
                    "enterprise.usagemetric",
                    "enterprise.usagelimit",
                    "enterprise.usageevent",
                    "enterprise.refusedevent",
                    "enterprise.usagealert",
                    "enterprise.usageadjustment",
                    "enterprise.usagebackfill",
                    "enterprise.usagepolicy",
                ),
            ),
        ),
    ),
    (
        "Operations",
        (
            NavigationJob(
                "Automations",
                "/dashboards/automations",
                ("operations.automation", "operations.run"),
            ),
            NavigationJob("Jobs", "/dashboards/jobs", ("operations.job",)),
            NavigationJob(
                "Tasks",
                "/dashboards/scheduling",
                (
                    "operations.task",
                    "operations.worker",
                    "operations.pool",
                    "operations.taskdurationstats",
                ),
            ),
            NavigationJob(
                "Health",
                "/dashboards/health",
                ("operations.component", "operations.check", "operations.incident"),
            ),
        ),
    ),
    (
        "Security",
        (
            NavigationJob(
                "Keys",
                "/dashboards/keys",
                (
                    "security.managedsecret",
                    "security.secretbinding",
                    "security.keychannel",
                    "security.outsidetask",
                    "security.rotationpolicy",
                    "security.rotationrun",
                    "security.apikey",
                ),
            ),
            NavigationJob(
                "People",
                "/dashboards/people",
                ("security.user", "auth.group", "mfa.authenticator", "socialaccount.socialaccount"),
            ),
            NavigationJob("Audit", "/dashboards/audit", ("security.event", "security.anchor")),
        ),
    ),
)


def jobs() -> Iterator[NavigationJob]:
    """Every job, in the order of the navigation."""
    for _title, entries in GROUPS:
        yield from entries


def pages() -> tuple[str, ...]:
    """The addresses of the jobs' pages."""
    return tuple(job.page for job in jobs() if job.page)


def list_path(label: str) -> str:
    """The path of a model's admin list; each page asks for all of them."""
    return _list_path(label, get_script_prefix())


@cache
def _list_path(label: str, _prefix: str) -> str:
    app, model = label.split(".")
    return reverse(f"admin:{app}_{model}_changelist")


def list_title(label: str) -> str:
    model = apps.get_model(label)
    return capfirst(str(model._meta.verbose_name_plural))  # noqa: SLF001 - a documented name of Django's


WITHOUT_A_PLACE = frozenset(
    {"/dashboards/decisions/decide", "/dashboards/budget-amount", "/search", "/dashboards/kit"}
)  # from every page or its own; by its address


class Shell:
    """What the frame shows at one address to one person; each part is read when asked for."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def groups(self) -> tuple[LinkGroup, ...]:
        """The jobs that the person may open, by group; a group without any is left out."""
        found = [
            (title, tuple(link for job in entries if (link := self._job_link(job))))
            for title, entries in GROUPS
        ]
        return tuple(LinkGroup(title, links) for title, links in found if links)

    @cached_property
    def job(self) -> NavigationJob | None:
        """The job of this address: of its page, or of its admin list."""
        here = self.request.path
        below = [(len(path), job) for job in jobs() for path in _paths(job) if is_below(here, path)]
        return max(below, key=lambda pair: pair[0])[1] if below else None

    @property
    def warning(self) -> str:
        """What everybody who is signed in has to know about how this site is served."""
        return "Debug mode: not for public use" if settings.DEBUG else ""

    @cached_property
    def lists(self) -> tuple[NavLink, ...]:
        """The admin lists of this job."""
        return self.lists_of(self.job) if self.job else ()

    @cached_property
    def directory(self) -> tuple[tuple[str, tuple[LinkGroup, ...]], ...]:
        """Every admin list that the person may open, by job, under the titles of the groups."""
        found = []
        for title, entries in GROUPS:
            parts = [
                LinkGroup(job.title, lists) for job in entries if (lists := self.lists_of(job))
            ]
            if parts:
                found.append((title, tuple(parts)))
        return tuple(found)

    def matching(self, words: str) -> list[tuple[str, NavLink]]:
        """The pages and lists whose titles contain the words, each with what it belongs to."""
        wanted = words.casefold()
        pages = [(group.title, link) for group in self.groups for link in group.links]
        lists = [
            (f"{title}, {job.title}", link)
            for title, jobs in self.directory
            for job in jobs
            for link in job.links
        ]
        return [pair for pair in [*pages, *lists] if wanted in pair[1].title.casefold()]

    def lists_of(self, job: NavigationJob) -> tuple[NavLink, ...]:
        """The admin lists of a job."""
        named = ((list_title(label), list_path(label)) for label in job.lists)
        return tuple(
            NavLink(title, path, is_below(self.request.path, path))
            for title, path in named
            if access.may_open(self.request, path)
        )

    def _job_link(self, job: NavigationJob) -> NavLink | None:
        openable = (path for path in _paths(job) if access.may_open(self.request, path))
        path = next(openable, "")
        return NavLink(job.title, path, job is self.job) if path else None


def shell(request: HttpRequest) -> dict[str, Shell]:
    """The context processor."""
    return {"shell": Shell(request)}


def is_below(path: str, other: str) -> bool:
    """Whether a path is another one, or an address under it; everything is not under "/"."""
    return path == other or (other != "/" and f"{path}/".startswith(f"{other.rstrip('/')}/"))


def _paths(job: NavigationJob) -> tuple[str, ...]:
    """The addresses of a job: its page, or its lists in their order."""
    lists = tuple(list_path(label) for label in job.lists)
    return (job.page, *lists) if job.page else lists
