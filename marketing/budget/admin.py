"""Admin screens of budget plans (view, approve, reject, roll back) and of allocations."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.formatting import PERCENT, counted, date_text, share_text, signed
from aethercrown.history.attribution import actor_of, shown_actor
from aethercrown.read_only_admin import ReadOnlyAdmin
from marketing.budget import services
from marketing.budget.models import (
    Allocation,
    BudgetAmount,
    BudgetPlan,
    BudgetTask,
    PlanAllocation,
)
from marketing.budget.planner.proposal import Interval
from marketing.budget.response_format import load_proposal
from security.access import reports as people

Service = Callable[..., BudgetPlan]


class PlanAllocationInline(ReadOnlyAdmin, TabularInline):
    model = PlanAllocation
    fields = ["channel_name", "present", "amount", "action", "reason"]
    extra = 0


@admin.register(BudgetAmount)
class BudgetAmountAdmin(ReadOnlyAdmin, ModelAdmin):
    """What the nightly plan divides, and who set it; it is changed on the page of the budget."""

    list_display = ["amount", "currency", "period", "changed_at", "changed_by"]


@admin.register(BudgetPlan)
class BudgetPlanAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        *("created_at", "total", "currency", "mode"),
        *("expected_lift", "chance", "status", "realised_lift"),
    ]
    list_filter = ["decision__status", "mode", "source", "currency"]
    list_select_related = ["decision"]
    date_hierarchy = "created_at"
    inlines = [PlanAllocationInline]
    actions = ["approve", "reject", "roll_back"]
    fieldsets = [
        (None, {"fields": ["status", "links", "total", "currency", "window"]}),
        ("Expected and realised", {"fields": ["expected_lift", "chance", "realised_lift"]}),
        ("Evidence", {"fields": ["verdict", "reasons_against", "experiment", "auto_applicable"]}),
        ("Origin", {"fields": ["source", "mode", "method", "input_digest", "created_at"]}),
    ]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="status")
    def status(self, plan: BudgetPlan) -> str:
        verdict = plan.decision.get_verdict_display()
        state: str = plan.decision.get_status_display()
        return f"{state}, {verdict}" if verdict else state

    @admin.display(description="expected lift")
    def expected_lift(self, plan: BudgetPlan) -> str:
        return _lift_text(plan.expected_lift)

    @admin.display(description="chance of a lift")
    def chance(self, plan: BudgetPlan) -> str:
        return share_text(plan.probability_of_lift)

    @admin.display(description="realised lift")
    def realised_lift(self, plan: BudgetPlan) -> str:
        found = plan.realised_lift
        return _lift_text(found) if found else "not measured yet"

    @admin.display(description="window")
    def window(self, plan: BudgetPlan) -> str:
        if plan.starts_on is None or plan.ends_on is None:
            return counted(plan.budget_periods, "period")
        return f"{date_text(plan.starts_on)} to {date_text(plan.ends_on)}"

    @admin.display(description="more")
    def links(self, plan: BudgetPlan) -> str:
        page = f"{services.page_url(f'budget {plan.currency}')}&plan={plan.pk}"
        ledger = reverse("admin:operations_decision_change", args=[plan.decision_id])
        links = '<a href="{}">Dashboard page</a> · <a href="{}">Decision</a>'
        return format_html(links, page, ledger)

    @admin.display(description="backtest")
    def verdict(self, plan: BudgetPlan) -> str:
        return load_proposal(plan.proposal).backtest_note

    @admin.display(description="reasons against automatic application")
    def reasons_against(self, plan: BudgetPlan) -> str:
        reasons = load_proposal(plan.proposal).reasons_against
        return format_html_join("", "<div>{}</div>", ((each,) for each in reasons)) or "none"

    @admin.display(description="next experiment")
    def experiment(self, plan: BudgetPlan) -> str:
        found = load_proposal(plan.proposal).next_experiment
        return found.sentence if found else "none"

    @admin.action(description="Approve and apply", permissions=["decide"])
    def approve(self, request: HttpRequest, plans: QuerySet[BudgetPlan]) -> None:
        self.run_action(request, plans, services.approve, "Approved")

    @admin.action(description="Reject", permissions=["decide"])
    def reject(self, request: HttpRequest, plans: QuerySet[BudgetPlan]) -> None:
        self.run_action(request, plans, services.reject, "Rejected")

    @admin.action(description="Roll back", permissions=["decide"])
    def roll_back(self, request: HttpRequest, plans: QuerySet[BudgetPlan]) -> None:
        self.run_action(request, plans, services.roll_back, "Rolled back")

    def run_action(
        self, request: HttpRequest, plans: QuerySet[BudgetPlan], service: Service, done: str
    ) -> None:
        """Call a service for each plan as this person, with a message for each."""
        for plan in plans.order_by("pk"):
            try:
                service(plan.pk, actor=actor_of(request), now=timezone.now())
            except (services.InvalidTransition, services.Stale) as error:
                self.message_user(request, f"{plan}: {error}", messages.ERROR)
            else:
                self.log_change(request, plan, f"{done}.")
                self.message_user(request, f"{done}: {plan}.", messages.SUCCESS)


def _lift_text(lift: Interval) -> str:
    return (
        f"{signed(lift.estimate, PERCENT)} ({signed(lift.low, PERCENT)} to "
        f"{signed(lift.high, PERCENT)})"
    )


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["channel", "amount", "currency", "valid_from", "valid_to", "decision"]
    list_filter = ["channel", "currency", ("valid_to", admin.EmptyFieldListFilter)]
    list_select_related = ["channel", "decision"]
    date_hierarchy = "valid_from"


@admin.register(BudgetTask)
class BudgetTaskAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["title", "assigned_to", "created_at", "done_at"]
    list_filter = ["currency", "created_at"]
    fields = ["title", "assigned_to", "text", "created_at", "done_at", "finisher"]
    actions_detail = ["finish"]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    @admin.display(description="task of")
    def assigned_to(self, task: BudgetTask) -> str:
        return shown_actor(task.person)

    @admin.display(description="done by")
    def finisher(self, task: BudgetTask) -> str:
        return shown_actor(task.done_by)

    @button("The amounts are set", "finish", "operate")
    def finish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        task = get_object_or_404(BudgetTask, pk=object_id)
        if request.method != "POST":
            question = "Are these amounts set at every channel?"
            return confirmation_page(self, request, task, question, "The amounts are set")
        services.finish_task(task.pk, by=actor_of(request), now=timezone.now())
        self.log_change(request, task, "Done.")
        return redirect(change_url(task))
