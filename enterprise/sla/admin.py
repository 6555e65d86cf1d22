"""Calendars with versions, tiers with rules and simulator, overrides, clocks and breaches."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.formatting import duration_text
from aethercrown.history.attribution import acting, actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from enterprise.sla import reports, services
from enterprise.sla.models import (
    BusinessCalendar,
    CalendarDay,
    CalendarVersion,
    FrozenVersion,
    RuleCurrencyRate,
    SlaAssignment,
    SlaBreach,
    SlaClock,
    SlaClockEvent,
    SlaThreshold,
    SlaTier,
    TierOverride,
    TierRule,
    TierRuleSet,
    VersionState,
)
from enterprise.sla.services.calendar_moves import NothingToMove
from enterprise.sla.services.versions import EmptyRules
from enterprise.sla.tier_rules import CompanySize, tier_for
from security.access import reports as people

PUBLISHED_HINT = "A published version is frozen: make a draft of it to change something."


class OperatorAdmin(ModelAdmin):
    """Buttons on it need the permission to operate."""

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))


def is_draft(row: Any) -> bool:
    """Whether the version that a row is, or belongs to, may be edited; so may a new one."""
    version = getattr(row, "version", row)
    return version is None or version.state == VersionState.DRAFT


class DraftOnlyAdmin(OperatorAdmin):
    """Only drafts and their parts are edited; they are made and published by buttons."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and is_draft(obj) and super().has_delete_permission(request, obj)


class DraftOnlyRows:
    """For an inline: its rows are edited only while their version is a draft."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_add_permission(request, obj)  # type: ignore[misc]  # of the inline

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)  # type: ignore[misc]  # the same

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_delete_permission(request, obj)  # type: ignore[misc]  # the same


class VersionedAdmin(OperatorAdmin):
    """Of rows with versions: their name stays, and a button copies the newest version."""

    actions_detail = ["draft"]

    def new_draft(self, pk: int) -> Model:
        """The draft of the row with this number, made where there is none."""
        raise NotImplementedError

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    @button("Draft a new version", "draft", "operate")
    def draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(self.model, pk=object_id)
        if request.method != "POST":
            question = f"Copy the newest version of {row} to a draft?"
            return confirmation_page(self, request, row, question, "Draft a new version")
        with acting(actor_of(request)):
            return redirect(change_url(self.new_draft(row.pk)))


class CalendarDayInline(DraftOnlyRows, TabularInline):
    model = CalendarDay
    fields = ["day", "name", "hours"]


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(VersionedAdmin):
    list_display = ["title", "name"]
    search_fields = ["name", "title"]

    def new_draft(self, pk: int) -> CalendarVersion:
        return services.draft_calendar(pk)


class CountsFromForm(forms.Form):
    """From when the hours count for what runs already; empty: from now."""

    counts_from = forms.SplitDateTimeField(
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="In UTC. Empty: from now. A time in the past changes what has elapsed since.",
    )


@admin.register(CalendarVersion)
class CalendarVersionAdmin(DraftOnlyAdmin):
    list_display = ["calendar", "number", "state", "zone", "country", "published_at"]
    list_filter = ["calendar", "state"]
    list_select_related = ["calendar"]
    inlines = [CalendarDayInline]
    readonly_fields = ["calendar", "number", "state", "published_at"]
    actions_detail = ["publish", "move_running"]

    @button("Publish", "publish", "operate")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(CalendarVersion, pk=object_id)
        if request.method != "POST":
            question = f"Put {row} in force for new clocks? It cannot be changed afterwards."
            return confirmation_page(self, request, row, question, "Publish")
        try:
            with acting(actor_of(request)):
                services.publish_calendar(row.pk, timezone.now())
        except (FrozenVersion, ValidationError) as error:
            self.message_user(request, said(error), messages.ERROR)
        else:
            self.message_user(request, f"Published: {row}.")
        return redirect(change_url(row))

    @button("Move running clocks", "move", "operate")
    def move_running(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(CalendarVersion, pk=object_id)
        form = CountsFromForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            return self._propose(request, row, form.cleaned_data["counts_from"])
        question = (
            f"Preview the move of running clocks and flows to {row}? The decision lists each with "
            "its due date before and after; nothing moves before it is approved."
        )
        return confirmation_page(self, request, row, question, "Preview", form=form)

    def _propose(self, request: HttpRequest, row: CalendarVersion, since: Any) -> HttpResponse:
        now = timezone.now()
        try:
            with acting(actor_of(request)):
                decision = services.propose_calendar_move(row.pk, since or now, now)
        except (NothingToMove, ValueError) as error:
            self.message_user(request, said(error), messages.ERROR)
            return redirect(change_url(row))
        return redirect(change_url(decision))


def said(error: Exception) -> str:
    """An error as a sentence."""
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


@admin.register(SlaTier)
class SlaTierAdmin(ModelAdmin):
    list_display = [
        *("code", "response_hours", "uptime_percent", "support_hours"),
        *("api_rate_limit", "storage_gb", "compute_units"),
    ]
    list_select_related = ["support_hours"]
    search_fields = ["code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()


class TierRuleInline(DraftOnlyRows, TabularInline):
    model = TierRule
    fields = ["position", "tier", "join", "conditions"]


class RuleCurrencyRateInline(DraftOnlyRows, TabularInline):
    model = RuleCurrencyRate
    fields = ["currency", "rate"]


class CompanyForm(forms.Form):
    """A company to try the rules on; what is empty is not known."""

    employees = forms.IntegerField(
        required=False, min_value=0, widget=UnfoldAdminIntegerFieldWidget()
    )
    annual_revenue = forms.DecimalField(
        required=False, min_value=0, max_digits=18, widget=UnfoldAdminDecimalFieldWidget()
    )
    currency = forms.CharField(
        required=False, max_length=3, widget=UnfoldAdminTextInputWidget(),
        help_text="Empty: the currency of the rules.",
    )  # fmt: skip


@admin.register(TierRuleSet)
class TierRuleSetAdmin(DraftOnlyAdmin):
    list_display = ["number", "state", "currency", "note", "published_at"]
    inlines = [TierRuleInline, RuleCurrencyRateInline]
    readonly_fields = ["number", "state", "published_at"]
    actions_list = ["draft"]
    actions_detail = ["publish", "try_company"]

    @button("Draft a new version", "draft", "operate")
    def draft(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            question = "Copy the newest tier rules to a draft?"
            return confirmation_page(self, request, None, question, "Draft a new version")
        with acting(actor_of(request)):
            return redirect(change_url(services.draft_rules()))

    @button("Publish", "publish", "operate")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(TierRuleSet, pk=object_id)
        if request.method != "POST":
            question = f"Put {row} in force for new customers? {self._moved(row)}"
            return confirmation_page(self, request, row, question, "Publish")
        try:
            with acting(actor_of(request)):
                services.publish_rules(row.pk, timezone.now())
        except (FrozenVersion, EmptyRules) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Published: {row}.")
        return redirect(change_url(row))

    @button("Which tier would a company get?", "try", "view")
    def try_company(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Shows the tier and the reasons; changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(TierRuleSet, pk=object_id)
        form = CompanyForm(request.POST if request.method == "POST" else None)
        question = f"Which tier would a company get by {row}?"
        if form.is_valid():
            given = form.cleaned_data
            size = CompanySize(
                given["employees"],
                given["annual_revenue"],
                given["currency"].upper() or row.currency,
            )
            found = tier_for(size, row.rule_set)
            question = f"{found.tier or 'No tier'}: {', '.join(found.reasons)}."
        return confirmation_page(self, request, row, question, "Try", form=form)

    def _moved(self, row: TierRuleSet) -> str:
        """Customers whose tier a new assignment by these rules would change."""
        found = reports.simulate(row, reports.customer_sizes())
        if not found:
            return "No customer with a known size would get another tier."
        shown = ", ".join(f"{each.customer}: {each.tier} to {each.proposed}" for each in found[:10])
        return f"{len(found)} customers would get another tier when it is assigned anew: {shown}."


class TierOverrideForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = TierOverride
        fields = ["customer", "tier", "reason", "expires_at"]

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise ValidationError("An override ends in the future.")
        return expires_at


@admin.register(TierOverride)
class TierOverrideAdmin(OperatorAdmin):
    form = TierOverrideForm
    list_display = ["customer", "tier", "reason", "begins_at", "expires_at", "ended_at"]
    list_filter = ["tier"]
    list_select_related = ["customer", "tier"]
    search_fields = ["customer__name", "customer__external_id"]
    autocomplete_fields = ["customer"]
    actions_detail = ["end"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: TierOverride, form: Any, change: Any) -> None:
        with acting(actor_of(request)):
            made = services.override_tier(
                obj.customer_id, obj.tier.code, obj.reason, obj.expires_at, timezone.now()
            )
        obj.pk = made.pk
        obj._state.adding = False  # noqa: SLF001 - the service has stored it

    @button("End now", "end", "operate")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(TierOverride, pk=object_id)
        if request.method != "POST":
            question = (
                f"End the override of {row}? The tier that rules gave last is in force again."
            )
            return confirmation_page(self, request, row, question, "End now")
        with acting(actor_of(request)):
            services.end_override(row.pk, timezone.now())
        self.message_user(request, f"Ended: {row}.")
        return redirect(change_url(row))


@admin.register(SlaAssignment)
class SlaAssignmentAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["customer", "tier", "assigned_at", "ended_at"]
    list_filter = ["tier"]
    list_select_related = ["customer", "tier"]
    search_fields = ["customer__name", "customer__external_id"]


@admin.register(SlaThreshold)
class SlaThresholdAdmin(ModelAdmin):
    list_display = ["kind", "percent", "severity"]
    list_filter = ["kind"]


class SlaClockEventInline(ReadOnlyAdmin, TabularInline):
    model = SlaClockEvent
    fields = ["kind", "at", "target", "calendar_version", "counts_from", "reason", "actor"]
    extra = 0


class SlaBreachInline(ReadOnlyAdmin, TabularInline):
    model = SlaBreach
    fields = ["threshold", "target_version", "reached_at", "recorded_at", "is_sent", "state"]
    extra = 0


@admin.register(SlaClock)
class SlaClockAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["title", "customer", "kind", "state", "outcome", "due_at", "shown_target"]
    list_filter = ["kind", "state", "outcome", "tier"]
    list_select_related = ["customer"]
    search_fields = ["title", "customer__name", "customer__external_id"]
    inlines = [SlaBreachInline, SlaClockEventInline]

    @admin.display(description="Target", ordering="target")
    def shown_target(self, clock: SlaClock) -> str:
        return duration_text(clock.target)


@admin.register(SlaBreach)
class SlaBreachAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["clock", "threshold", "reached_at", "recorded_at", "is_sent", "state"]
    list_filter = ["threshold", "state"]
    list_select_related = ["clock"]
    date_hierarchy = "reached_at"
