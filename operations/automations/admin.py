"""The admin of automations and their runs."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminTextInputWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.formatting import duration_text, moment_text
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.automations import reports, run_rules, schedule_text, services
from operations.automations.models import Automation, Run
from operations.automations.occurrences import upcoming
from operations.automations.registry import automation_registry
from operations.automations.run_rules import RunResult
from operations.automations.tasks import send_run

MAY_RUN = "security.operate"  # the permission that makes an operator
MAY_APPROVE = "security.approve_decisions"  # and an approver
REFRESH_SECONDS = 3  # of the page of a run that has not ended
LIMITS = [
    "largest_change_percent",
    "largest_daily_change_percent",
    "applied_per_day",
    "needs_sure_gain",
    "least_confidence_percent",
    "data_age_hours",
    "needs_no_critical_alert",
    "quiet_from",
    "quiet_until",
]

# Beat's own screens would change a schedule without its automation.
for each in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(each)


def free_names() -> list[tuple[str, str]]:
    """Automations that are registered and have no schedule yet."""
    taken = set(Automation.objects.values_list("name", flat=True))
    free = [name for name in automation_registry.names() if name not in taken]
    return [(name, f"{automation_registry.get(name).title} ({name})") for name in free]


def time_zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones() - {"localtime"})]


class AutomationForm(forms.ModelForm[Automation]):
    """What runs, when and in which time zone; refuses a text that is not a schedule."""

    name = forms.ChoiceField(label="What", choices=free_names, widget=UnfoldAdminSelect2Widget)
    when = forms.CharField(
        label="When",
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=f"For example {schedule_text.EXAMPLES}.",
    )
    zone = forms.ChoiceField(
        label="Time zone",
        choices=time_zones,
        initial="UTC",
        widget=UnfoldAdminSelect2Widget,
        help_text="For times of day. Intervals do not depend on it.",
    )

    class Meta:
        model = Automation
        fields = ["name", "when", "zone", "is_enabled", "mode", "missed", *LIMITS]
        labels = {
            "largest_change_percent": "Largest change (%)",
            "largest_daily_change_percent": "Largest change in a day (%)",
            "applied_per_day": "Most applied in a day",
            "needs_sure_gain": "Only if the expected interval is above zero",
            "least_confidence_percent": "Least confidence (%)",
            "data_age_hours": "Oldest data (hours)",
            "needs_no_critical_alert": "Only without a critical alert",
        }

    may_approve = False  # set by the admin for the person at the form

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["when"] = schedule_text.describe(self.instance.schedule)
            self.fields.pop("name", None)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", "Quiet hours need both a beginning and an end.")
        if not self.may_approve:
            for field in self.changed_data:
                if field in LIMITS or (field == "mode" and cleaned.get(field) == "auto"):
                    self.add_error(field, "Only an approver may change this.")
        return cleaned

    def clean_when(self) -> str:
        """In the words of the form; refuses what is no schedule, is never due or too often."""
        text: str = self.cleaned_data["when"]
        try:
            self.parsed_schedule = schedule_text.parse(text, self.instance.scheduled_at)
            schedule_text.check_usable(self.parsed_schedule, timezone.now())
        except schedule_text.InvalidSchedule as error:
            raise forms.ValidationError(str(error)) from error
        return schedule_text.describe(self.parsed_schedule)


@admin.register(Automation)
class AutomationAdmin(ModelAdmin):
    form = AutomationForm
    list_display = ["title", "schedule", "zone", "is_enabled", "mode", "last_run", "next_run"]
    list_filter = ["is_enabled", "mode", "missed"]
    list_select_related = ["task__interval", "task__crontab"]
    search_fields = ["name", "title"]
    readonly_fields = ["what", "next_runs", "latest", "auto_disabled"]
    actions_detail = ["run_now", "dry_run"]

    def get_fieldsets(self, request: HttpRequest, obj: Automation | None = None) -> Any:
        shown = ["what", "when", "zone", "next_runs"] if obj else ["name", "when", "zone"]
        how = ["is_enabled", "mode", "missed"]
        if obj and obj.auto_disabled_at:
            how.append("auto_disabled")
        sets = [
            (None, {"fields": shown}),
            ("How", {"fields": how}),
            (
                "Guardrails: in mode auto, a decision that breaks one waits for a person",
                {"fields": LIMITS},
            ),
        ]
        return [*sets, ("Latest runs", {"fields": ["latest"]})] if obj else sets

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form, with what the person may change."""
        form = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"may_approve": request.user.has_perm(MAY_APPROVE)})

    def has_delete_permission(self, request: HttpRequest, obj: Automation | None = None) -> bool:
        return False  # it can be switched off, and its history stays

    def has_run_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_RUN))

    @admin.display(description="what")
    def what(self, automation: Automation) -> str:
        """Its title, and the page where the rest of its settings is."""
        if automation.name in automation_registry:
            spec = automation_registry.get(automation.name)
            if spec.settings_path:
                link = format_html('<a href="{}">{}</a>', spec.settings_path, spec.settings_text)
                return format_html("{} · {}", automation.title, link)
        return str(automation.title)

    @admin.display(description="when")
    def schedule(self, automation: Automation) -> str:
        return schedule_text.describe(automation.schedule)

    @admin.display(description="next run")
    def next_run(self, automation: Automation) -> str:
        found = reports.upcoming(automation, timezone.now(), 1)
        return format_time(found[0]) if found else "none"

    @admin.display(description="next runs")
    def next_runs(self, automation: Automation) -> str:
        found = reports.upcoming(automation, timezone.now())
        return ", ".join(map(format_time, found)) or "none while it is off"

    @admin.display(description="taken out of auto")
    def auto_disabled(self, automation: Automation) -> str:
        moment = automation.auto_disabled_at
        return f"{format_time(moment)}: {automation.auto_disabled_reason}" if moment else "never"

    @admin.display(description="last run")
    def last_run(self, automation: Automation) -> str:
        run = reports.last_run(automation)
        return f"{run.state}, {format_time(run.planned_for)}" if run else "never"

    @admin.display(description="latest runs")
    def latest(self, automation: Automation) -> str:
        lines = (
            (
                reverse("admin:operations_run_change", args=[run.pk]),
                format_time(run.planned_for),
                run.state,
                run.reason or run.summary,
            )
            for run in automation.runs.all()[:10]
        )
        return format_html_join("", '<div><a href="{}">{}</a> {} {}</div>', lines) or "none yet"

    def save_model(
        self, request: HttpRequest, obj: Automation, form: AutomationForm, change: Any
    ) -> None:
        """Save it with its schedule, and show the next three times."""
        now = timezone.now()
        if not change:
            obj.title = automation_registry.get(obj.name).title
        services.save_schedule(obj, form.parsed_schedule, now)
        found = upcoming(form.parsed_schedule, obj.zone_info, now, 3) if obj.is_enabled else []
        times = ", ".join(format_time(slot.astimezone(obj.zone_info)) for slot in found)
        words = f"It runs {form.cleaned_data['when']}. Next runs: {times}."
        self.message_user(request, words if times else "It is off: no next run.")

    def construct_change_message(
        self, request: HttpRequest, form: AutomationForm, formsets: Any, add: Any = None
    ) -> Any:
        """The old and the new value of each field, for the history."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        changes = [
            f"{form[name].label} from {form.initial.get(name)} to {form.cleaned_data[name]}"
            for name in form.changed_data
        ]
        return [{"changed": {"fields": changes}}]

    @button("Run now", "run-now", "run")
    def run_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        automation = self.viewable(request, object_id)
        if request.method != "POST":
            question = f"Run “{automation}” now, in mode {automation.mode}?"
            return confirmation_page(self, request, automation, question, "Run now")
        try:
            run = services.enqueue_manual_run(automation.name, timezone.now())
        except services.AutomationDisabled as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(change_url(automation))
        self.log_change(request, automation, "Run by hand.")
        transaction.on_commit(lambda: self.send_task(request, automation.name))
        return redirect(change_url(run))

    @button("Dry run", "dry-run", "run")
    def dry_run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        automation = self.viewable(request, object_id)
        result: RunResult | None = None
        if request.method == "POST":
            result = services.dry_run(automation.name, timezone.now())
        question = f"Compute what “{automation}” would do now, and store nothing?"
        details = run_rules.detail_lines(result.detail or {}) if result else []
        return confirmation_page(
            self, request, automation, question, "Dry run", result=result, details=details
        )

    def send_task(self, request: HttpRequest, name: str) -> None:
        """Tell a worker; without a broker the recovery task finds the run when it is back."""
        if not send_run(name):
            message = "The broker does not answer: the run starts when it is back."
            self.message_user(request, message, messages.WARNING)

    def viewable(self, request: HttpRequest, object_id: str) -> Automation:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Automation, pk=object_id)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["planned_for", "automation", "state", "trigger", "took", "attempt", "outcome"]
    list_filter = ["state", "trigger", "automation", "planned_for"]
    list_select_related = ["automation"]
    search_fields = ["automation__name", "automation__title", "summary", "error"]
    date_hierarchy = "planned_for"
    fieldsets = [
        (
            None,
            {"fields": ["automation", "planned_for", "state", "summary", "decisions", "details"]},
        ),
        (
            "Course",
            {"fields": ["trigger", "attempt", "queued_at", "started_at", "ended_at", "took"]},
        ),
        ("Record", {"fields": ["worker", "log", "failure"]}),
    ]
    field_of_state: ClassVar[dict[str, tuple[int, str]]] = {  # (fieldset, field), shown only then
        Run.State.SKIPPED: (0, "reason"),
        Run.State.QUEUED: (1, "not_before"),
        Run.State.RUNNING: (1, "lease_until"),
    }

    def get_fieldsets(self, request: HttpRequest, obj: Run | None = None) -> Any:
        sets = [(title, {"fields": [*more["fields"]]}) for title, more in self.fieldsets]
        place, name = self.field_of_state.get(obj.state if obj else "", (0, ""))
        if name:
            sets[place][1]["fields"].insert(3, name)
        return sets

    def change_view(self, request: HttpRequest, object_id: str, *more: Any, **named: Any) -> Any:
        """The page of a run that has not ended reloads itself."""
        response = super().change_view(request, object_id, *more, **named)
        if response.status_code != HTTPStatus.OK:
            return response
        if Run.objects.filter(pk=unquote(object_id), state__in=reports.OPEN_STATES).exists():
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    @admin.display(description="took")
    def took(self, run: Run) -> str:
        return "" if run.duration is None else duration_text(run.duration)

    @admin.display(description="outcome")
    def outcome(self, run: Run) -> str:
        """The summary, the reason of a skip, or the last line of the error."""
        return run.reason or (run.error.strip().splitlines() or [run.summary])[-1]

    @admin.display(description="decisions")
    def decisions(self, run: Run) -> str:
        lines = (
            (reverse("admin:operations_decision_change", args=[each.pk]), each, each.status)
            for each in reports.decisions(run)
        )
        return format_html_join("", '<div><a href="{}">{}</a> {}</div>', lines) or "none"

    @admin.display(description="details")
    def details(self, run: Run) -> str:
        found = run_rules.detail_lines(run.result.get("detail") or {})
        return format_html_join("", "<div>{}: {}</div>", found) or "none"

    @admin.display(description="log")
    def log(self, run: Run) -> str:
        """What the run logged; if it failed, this is above the error instead."""
        return preformatted(run.result.get("log", ""))

    @admin.display(description="error")
    def failure(self, run: Run) -> str:
        return preformatted(run.error)


def preformatted(text: str) -> str:
    return format_html('<pre class="overflow-x-auto">{}</pre>', text) if text else "none"


def format_time(moment: datetime) -> str:
    """As the pages write times, after the day of the week."""
    return f"{moment:%a} {moment_text(moment, seconds=True)}"
