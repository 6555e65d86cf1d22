"""The audit's events, searched and filtered, with the newest signed digest."""

from django.apps import apps
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from aethercrown.history.attribution import shown_actor
from aethercrown.page_parts import EmptyState
from aethercrown.text import sentence_case
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.listing import ListField, Listing
from dashboards.tables import Column
from security.audit import reports

NO_EVENT = EmptyState("No event yet", "Sign-ins, changes, decisions and uses of keys stand here.")


@opened_by("security.view_event")
def audit(request: HttpRequest) -> HttpResponseBase:
    """What happened, to what and by whom; the newest first."""
    events = event_listing(request)
    return page_context.render_page(
        request,
        "audit",
        "Audit",
        [events],
        events=events,
        no_event=NO_EVENT,
        digest=reports.newest_anchor(),
    )


def event_listing(request: HttpRequest) -> Listing:
    """Each event leads to its place in the chain, for staff."""
    fields = (
        ListField("at", Column("When")),
        ListField("event", Column("Event"), search=True, show=event_text),
        ListField("subject", Column("Of"), search=True, show=subject_text),
        ListField("actor", Column("By"), search=True, show=shown_actor),
        ListField("stream", Column("Stream", csv_only=True)),
        ListField("seq", Column("Number in the stream", csv_only=True)),
    )
    opens = access.may_open(request, reverse("admin:security_event_changelist"))
    path = reverse("admin:security_event_change", args=["0"]).replace("/0/", "/{pk}/")
    return Listing(
        "events", "Events", fields, reports.events(), request.GET.dict(),
        order="-at", path=path if opens else "", noun="event",
    )  # fmt: skip


def event_text(event: str) -> str:
    """key.grace_ended is shown as Key: grace ended."""
    words = event.replace(".", ": ").replace("_", " ").replace("apikey", "API key")
    return sentence_case(words)


def subject_text(subject: str) -> str:
    """security.apikey:1 is shown as API key 1, by the name of its model."""
    label, _, key = subject.partition(":")
    try:
        named = apps.get_model(label)._meta.verbose_name  # noqa: SLF001 - a documented name
    except (LookupError, ValueError):
        return subject.replace("_", " ")
    return f"{named} {key}"
