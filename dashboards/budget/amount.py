"""The form of what the nightly plan divides: amount, currency and period as fields."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from aethercrown.currencies import CODES
from aethercrown.formatting import moment_text, money_text
from aethercrown.history.attribution import actor_of, shown_actor
from dashboards import page_context
from dashboards.access import opened_by
from dashboards.budget.views import BUDGET
from dashboards.form_fields import FormField
from marketing.budget import reports, services
from marketing.budget.measurement.decision import AUTOMATION
from operations.automations import reports as automations

MAY_SET = "marketing.change_budgetamount"
TEXTS = {"amount": "Amount", "currency": "Currency", "period": "For"}


@opened_by(MAY_SET, posts=MAY_SET)
def budget_amount(request: HttpRequest) -> HttpResponseBase:
    """Set it, from the next plan on; what is wrong is said beside its field."""
    now, known = timezone.now(), reports.budget_amount()
    given = {name: f"{getattr(known, name)}" for name in TEXTS}
    problems: dict[str, str] = {}
    if request.method == "POST":
        given = {name: request.POST.get(name, "").strip()[:30] for name in TEXTS}
        try:
            row = services.set_amount(given, actor=actor_of(request), now=now)
        except services.InvalidAmount as error:
            problems = dict(error.problems)
        else:
            week = f"{money_text(row.weekly, row.currency)} a week"
            messages.success(request, f"Saved: the budget is {row}, {week}.")
            return redirect("budget")
    choices = {
        "currency": [(code, code) for code in sorted(CODES)],
        "period": reports.BUDGET_PERIODS,
    }
    next_run = automations.next_run(AUTOMATION, now)
    return page_context.render_page(
        request,
        "budget-amount",
        "Amount, currency and period",
        [],
        [BUDGET],
        problems=["Nothing is saved yet: see the fields below."] if problems else [],
        fields=[
            FormField(name, label, given[name], problems.get(name, ""), choices.get(name, ()))
            for name, label in TEXTS.items()
        ],
        set_by=f"{shown_actor(known.changed_by)}, {moment_text(known.changed_at)}"
        if known.pk
        else "",
        next_run=next_run,
    )
