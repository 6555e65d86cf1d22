"""Metrics, thresholds, limits, events and backfills in the admin."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.api.body_limits import MAX_BODY_BYTES, parse_object
from aethercrown.csv.admin import CSVAdmin
from aethercrown.formatting import counted, exact_text, money_text
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from enterprise.usage.metering.event_input import MAX_EVENTS, read_moment
from enterprise.usage.models import (
    ClientMetric,
    RefusedEvent,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageEvent,
    UsageLimit,
    UsageMetric,
    UsagePolicy,
    UsageThreshold,
)
from enterprise.usage.reports.backfills import BackfillRange
from enterprise.usage.services import backfill, store
from enterprise.usage.services.backfill import InvalidRange, PreviewOutdated
from enterprise.usage.services.imports import events_of_csv
from security.access import reports as people

MAX_SHOWN_DAYS = 12  # that the confirm step repeats


class ThresholdInline(TabularInline):
    model = UsageThreshold
    extra = 0
    autocomplete_fields = ["customer"]


@admin.register(UsagePolicy)
class UsagePolicyAdmin(ModelAdmin):
    list_display = [
        "__str__",
        "accept_unknown_metrics",
        "accept_unknown_clients",
        "raw_months",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not UsagePolicy.objects.exists() and bool(super().has_add_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: UsagePolicy, form: Any, change: Any) -> None:
        obj.pk = 1
        obj.save()


@admin.register(UsageMetric)
class UsageMetricAdmin(ModelAdmin):
    list_display = ["code", "title", "unit", "kind", "aggregation", "is_confirmed", "created_at"]
    list_filter = ["is_confirmed", "kind"]
    search_fields = ["code", "title"]
    inlines = [ThresholdInline]

    def get_readonly_fields(self, request: HttpRequest, obj: UsageMetric | None = None) -> Any:
        """A metric that has events keeps its code, kind and aggregation."""
        if obj is None:
            return []
        used = ClientMetric.objects.filter(metric=obj).exists()
        return ["code", "kind", "aggregation"] if used else ["code"]

    def save_model(self, request: HttpRequest, obj: UsageMetric, form: Any, change: Any) -> None:
        if not change:
            obj.created_at = timezone.now()
        obj.save()


@admin.register(UsageLimit)
class UsageLimitAdmin(ModelAdmin):
    """Limits are added; the row in force is the latest."""

    list_display = ["customer", "metric", "quantity", "valid_from", "source", "recorded_by"]
    list_filter = ["source", "metric"]
    list_select_related = ["customer", "metric"]
    search_fields = ["customer__name", "customer__external_id"]
    autocomplete_fields = ["customer", "metric"]
    fields = ["customer", "metric", "quantity", "valid_from"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: UsageLimit, form: Any, change: Any) -> None:
        now = timezone.now()
        obj.source = UsageLimit.Source.STAFF
        obj.recorded_by, obj.recorded_at = actor_of(request)[:200], now
        store.lock_clients([obj.customer_id], now)
        obj.save()


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = [
        *("occurred_at", "customer", "metric", "quantity", "event_id", "source"),
        *("is_late", "possible_duplicate"),
    ]
    list_filter = ["metric", "is_late", "possible_duplicate"]
    list_select_related = ["customer", "metric"]
    search_fields = ["event_id", "customer__external_id"]
    show_full_result_count = False
    import_kinds = ("usage-events",)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Events are imported from files although no row is edited by hand."""
        return bool(request.user.has_perm("enterprise.add_usageevent"))


@admin.register(RefusedEvent)
class RefusedEventAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["received_at", "event_id", "client_id", "status", "reason", "source"]
    list_filter = ["status"]
    search_fields = ["event_id", "client_id"]


@admin.register(UsageAlert)
class UsageAlertAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["raised_at", "customer", "metric", "percent", "severity", "used", "limit"]
    list_filter = ["severity", "metric"]
    list_select_related = ["customer", "metric"]
    search_fields = ["customer__name", "customer__external_id"]


@admin.register(UsageAdjustment)
class UsageAdjustmentAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        *("recorded_at", "customer", "metric", "period_start", "open_period_start"),
        *("count", "quantity", "backfill"),
    ]
    list_filter = ["metric"]
    list_select_related = ["customer", "metric", "backfill"]
    search_fields = ["customer__name", "customer__external_id"]


def events_of(text: str) -> Any:
    """The events of JSON or CSV text. Raises ValidationError."""
    try:
        return parse_object(text).get("events") if text[0] == "{" else events_of_csv(text)
    except Exception as error:
        kind = "JSON" if text[0] == "{" else "CSV"
        raise forms.ValidationError(f"This is no such {kind}: {error}") from error


FORM_FIELDS = {"client_id": "client", "metric": "metric", "from": "start", "to": "end"}


class BackfillForm(forms.Form):
    """The events, and for a replacement the client, metric and range."""

    events = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text="CSV with a header: event_id, client_id, metric, quantity, timestamp, corrects,"
        ' value; or JSON: {"events": [{"event_id": "…", "client_id": "…", "metric": "…",'
        ' "quantity": 1, "timestamp": "2026-12-31T23:59:00Z"}]}',
    )
    file = forms.FileField(
        required=False,
        help_text="A CSV file of up to 2 MiB instead.",
        widget=UnfoldAdminFileFieldWidget(),
    )
    mode = forms.ChoiceField(choices=UsageBackfill.Mode.choices, widget=UnfoldAdminSelectWidget())
    client = forms.CharField(
        required=False, help_text="Of the range to replace.", widget=UnfoldAdminTextInputWidget()
    )
    metric = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget())
    start = forms.CharField(
        required=False,
        label="From",
        help_text="A time with its offset, such as 2026-12-01T00:00:00Z.",
        widget=UnfoldAdminTextInputWidget(),
    )
    end = forms.CharField(
        required=False,
        label="To",
        help_text="The first moment after the range.",
        widget=UnfoldAdminTextInputWidget(),
    )

    def clean_file(self) -> str:
        """The text of the file."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MAX_BODY_BYTES:
            raise forms.ValidationError("It is larger than 2 MiB; send it in parts.")
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise forms.ValidationError("It is not UTF-8 text; save it as UTF-8.") from error

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        text, content = values.get("events", "").strip(), values.get("file", "")
        if bool(text) == bool(content):
            self.add_error("events", "Either text or a file is needed.")
        else:
            self._read_events(values, content or text)
        if values.get("mode") != UsageBackfill.Mode.REPLACE:
            return {**values, "range": None}
        for name in ("client", "metric"):
            if not values.get(name):
                self.add_error(name, "A replacement needs it.")
        moments = [self._moment(values, name) for name in ("start", "end")]
        if not self.errors:
            values["range"] = BackfillRange(values["client"], values["metric"], *moments)
        return values

    def _read_events(self, values: dict[str, Any], text: str) -> None:
        try:
            found = events_of(text)
        except forms.ValidationError as error:
            self.add_error("events", error)
            return
        if not isinstance(found, list) or not 0 < len(found) <= MAX_EVENTS:
            self.add_error("events", f"It has a list of 1 to {MAX_EVENTS:,} `events`.")
        values["events"] = found

    def _moment(self, values: dict[str, Any], name: str) -> Any:
        try:
            return read_moment(values.get(name, ""))
        except ValueError as error:
            self.add_error(name, f"It {error}.")
            return None


@admin.register(UsageBackfill)
class UsageBackfillAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        *("__str__", "state", "mode", "previewed_at", "previewed_by", "applied_at", "reverted_at"),
    ]
    list_filter = ["state", "mode"]
    list_select_related = ["customer", "metric"]
    actions_list = ["preview_backfill"]
    actions_detail = ["apply_backfill", "revert_backfill"]
    exclude = ["events", "preview"]
    readonly_fields = ["shown_preview"]

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="preview")
    def shown_preview(self, row: UsageBackfill) -> str:
        return "\n".join(preview_sentences(row))

    @button("Preview a backfill", "preview-backfill", "approve")
    def preview_backfill(self, request: HttpRequest) -> HttpResponse:
        """A GET shows the form; a POST stores what applying would do."""
        posted = request.method == "POST"
        form = BackfillForm(*((request.POST, request.FILES) if posted else ()))
        if form.is_valid():
            values = form.cleaned_data
            try:
                row = backfill.preview(
                    values["events"], values["range"], by=actor_of(request), now=timezone.now()
                )
            except InvalidRange as error:
                for each in error.problems:
                    form.add_error(FORM_FIELDS[each.field], f"It {each.message}.")
            else:
                self.message_user(request, f"{row} is previewed; nothing is stored yet.")
                return redirect(change_url(row))
        question = "What would it change? Nothing is stored before it is applied."
        title = "Preview a backfill"
        return confirmation_page(self, request, None, question, "Preview", form=form, title=title)

    @button("Apply", "apply", "approve")
    def apply_backfill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Store the events of “{}”? It can be reverted."
        return self._decide(request, object_id, question, "Apply")

    @button("Revert", "revert", "approve")
    def revert_backfill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Take out every row of “{}”? This is done once."
        return self._decide(request, object_id, question, "Revert")

    def _decide(
        self, request: HttpRequest, object_id: str, question: str, verb: str
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(UsageBackfill, pk=object_id)
        if request.method != "POST":
            return confirmation_page(
                self, request, row, question.format(row), verb, amounts=preview_amounts(row)
            )
        by, now = actor_of(request), timezone.now()
        try:
            if verb == "Apply":
                row = backfill.apply(row.pk, row.digest, by=by, now=now)
            else:
                row = backfill.revert(row.pk, by=by, now=now)
        except (InvalidTransition, PreviewOutdated) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, f"{row.get_state_display()}.")
            self.message_user(request, f"{row} is {row.state}.", messages.SUCCESS)
        return redirect(change_url(row))


def preview_sentences(row: UsageBackfill) -> list[str]:
    """What a preview found, for a person."""
    found = row.preview
    words = [f"{counted(found[each], 'event')} {each}" for each in COUNTED if found.get(each)]
    closed = [each["period_start"] for each in found.get("closed_periods", ())]
    return [
        f"{', '.join(words) or 'No event'}; {counted(found.get('voided', 0), 'event')} taken out.",
        *(f"{name}: {text}" for name, text in preview_amounts(row)),
        *([f"Closed periods: {', '.join(sorted(set(closed)))}."] if closed else []),
        *(adjustment_sentence(each) for each in found.get("adjustments", ())),
        *(
            f"Row {each['row']}: {each['status']}, {each['reason']}"
            for each in found.get("items", ())
        ),
        *(
            f"It would alert: {each['metric']} at {exact_text(Decimal(str(each['threshold'])))}%"
            for each in found.get("alerts", ())
        ),
    ]


def adjustment_sentence(found: dict[str, Any]) -> str:
    """What the adjustments of closed periods bill a client, or why that is not known."""
    if found["amount"] is None:
        return f"Adjustments of {found['client_id']} cannot be priced: {found['reason']}"
    amount = money_text(Decimal(str(found["amount"])), found["currency"])
    return f"Adjustments bill {found['client_id']} {amount} in the open month."


COUNTED = ("accepted", "duplicate", "conflict", "rejected")


def preview_amounts(row: UsageBackfill) -> list[tuple[str, str]]:
    """The days that change, before and after."""
    days = row.preview.get("days", ())
    shown = [
        (
            f"{each['metric']} of {each['client_id']}, {each['day']}",
            f"{each['before']} \N{RIGHTWARDS ARROW} {each['after']}",
        )
        for each in days[:MAX_SHOWN_DAYS]
    ]
    more = len(days) - MAX_SHOWN_DAYS
    return [*shown, *([("More days", f"{more:,}")] if more > 0 else [])]
