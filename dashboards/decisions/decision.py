"""The page of one decision, and the step that decides on several at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.charts.bars import BarRow, bars
from aethercrown.formatting import counted
from aethercrown.history.attribution import actor_of, shown_actor
from aethercrown.page_parts import Confirmation
from aethercrown.registry import UnknownName
from aethercrown.transitions import InvalidTransition
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.charts import PageChart, page_chart
from dashboards.decisions.views import MAX_WAITING, decision_path, titles
from dashboards.tables import Column, Table
from operations.decisions import reports, services, states
from operations.decisions.decision_text import STEPS as TEXTS
from operations.decisions.decision_text import (
    ChangedValue,
    confirmed_amounts,
    failed_guardrails,
    guardrail_finding,
    guardrail_title,
    promised,
)
from operations.decisions.decision_types import Stale
from operations.decisions.effect_text import expected_text, realised_text

DECISIONS = page_context.Breadcrumb("Decisions", "/dashboards/decisions")
MAX_EARLIER = 5
MAX_BARS = 20  # changed values in the picture
MAX_NOTE = 2_000
POSTPONED_DAYS = (1, 3, 7)
REFUSALS = (InvalidTransition, Stale, UnknownName, ValueError)


@dataclass(frozen=True, slots=True)
class DecisionStep:
    """What a person can do with a decision: how it is asked, done and said."""

    name: str
    verb: str
    done: str
    question: str  # {} is the decision
    key: str  # of the keyboard
    act: Callable[[int, str, str, datetime], Any]  # decision, actor, note, now


def _postpone(days: int) -> Callable[[int, str, str, datetime], Any]:
    def act(key: int, actor: str, _note: str, now: datetime) -> Any:
        return services.postpone(key, now + timedelta(days=days), actor=actor, now=now)

    return act


def _act(service: Callable[..., Any]) -> Callable[[int, str, str, datetime], Any]:
    return lambda key, actor, note, now: service(key, actor=actor, note=note, now=now)


APPROVE = DecisionStep("approve", *TEXTS["approve"], "a", _act(services.approve))
REJECT = DecisionStep("reject", *TEXTS["reject"], "r", _act(services.reject))
ROLL_BACK = DecisionStep("roll_back", *TEXTS["roll_back"], "u", _act(services.roll_back))
POSTPONE = tuple(
    DecisionStep(
        f"later_{days}",
        f"Later: in {counted(days, 'day')}",
        f"Postponed for {counted(days, 'day')}",
        f"Decide on “{{}}” in {counted(days, 'day')}? It is not among the waiting ones until then.",
        "l" if days == POSTPONED_DAYS[0] else "",
        _postpone(days),
    )
    for days in POSTPONED_DAYS
)
STEPS = {each.name: each for each in (APPROVE, REJECT, ROLL_BACK, *POSTPONE)}
TARGETS = {"approve": states.APPROVED, "reject": states.REJECTED, "roll_back": states.ROLLED_BACK}


viewer_and_approver = opened_by("security.view_pages", posts=reports.APPROVE)


@viewer_and_approver
def decision(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What it changes, promises and brought, how its guardrails went, and the steps open to it."""
    found = reports.find(pk)
    if found is None:
        raise Http404(f"There is no decision {pk}.")
    if request.method == "POST":
        step = STEPS.get(request.POST.get("step", ""))
        if step is None:
            messages.error(request, "Choose what to do with the decision.")
        else:
            _do(request, step, found)
        return redirect(decision_path(pk))
    return _page(request, found)


def _do(request: HttpRequest, step: DecisionStep, found: Any) -> None:
    """Do a step and say how it went. A step that the same person has just done is done."""
    actor, note = actor_of(request), request.POST.get("note", "")[:MAX_NOTE].replace("\0", "")
    try:
        step.act(found.pk, actor, note, timezone.now())
    except REFUSALS as error:
        now = reports.find(found.pk)
        if now and now.actor == actor and _is_done(step, now):
            messages.success(request, f"{step.done}: {found}.")
        else:
            messages.error(request, f"{error}{_by_whom(now)}")
    else:
        messages.success(request, f"{step.done}: {found}.")


def _is_done(step: DecisionStep, found: Any) -> bool:
    in_force = {states.APPROVED, states.APPLIED, states.MEASURED}
    after = {"approve": in_force, "reject": {states.REJECTED}}
    return found.status in after.get(step.name, set())


def _by_whom(found: Any) -> str:
    """Who decided meanwhile."""
    if found is None or not found.actor:
        return ""
    return f" {shown_actor(found.actor)} decided on it."


def _page(request: HttpRequest, found: Any) -> HttpResponseBase:
    title = titles([found])[0]
    changes = reports.changes(found)
    may_decide = access.holds(request, reports.APPROVE)
    steps = open_steps(found) if may_decide else []
    asked, problems = request.GET.get("step", ""), list[str]()
    chosen = next((each for each in steps if each.name == asked), None)
    if asked and chosen is None:
        problems = [f"The decision is {found.get_status_display()}: {asked[:20]!r} is not open."]
    tables = [changes_table(changes), guardrail_table(found), earlier_table(found)]
    return page_context.render_page(
        request,
        "decision",
        title,
        tables,
        [DECISIONS],
        title=title,
        found=found,
        problems=problems,
        promised=promised(found.expected),
        realised=realised_text(found.realised, found.expected),
        chart=changes_chart(found, changes),
        changes=tables[0],
        guardrails=tables[1],
        earlier=tables[2],
        steps=steps,
        confirmation=confirmation(found, title, chosen, changes) if chosen else None,
        subject_path=reports.page(found),
        admin_path=reverse("admin:operations_decision_change", args=[found.pk]),
        decided_by=shown_actor(found.actor) if found.actor else "",
    )


def open_steps(found: Any) -> list[DecisionStep]:
    """The steps that its state allows; nothing for what was only observed."""
    if found.mode == "observe":
        return []
    allowed = reports.allowed_steps(found)
    steps = [each for each in STEPS.values() if TARGETS.get(each.name) in allowed]
    return [*steps, *POSTPONE] if found.status == states.PROPOSED else steps


def confirmation(
    found: Any, title: str, step: DecisionStep, changes: Sequence[ChangedValue]
) -> Confirmation:
    """Repeats the promise, the first changes and the guardrails that failed."""
    return Confirmation(
        step.question.format(title),
        step.verb,
        decision_path(found.pk),
        decision_path(found.pk),
        confirmed_amounts(found.expected, changes),
        failed_guardrails(found.guardrails),
        {"step": step.name},
        note="Why (optional)" if step.name in TARGETS else "",
    )


def changes_chart(found: Any, changes: Sequence[ChangedValue]) -> PageChart | None:
    """Now beside proposed, where numbers change."""
    pairs = [(each, each.numbers) for each in changes]
    drawn = [BarRow(each.name, numbers) for each, numbers in pairs if numbers][:MAX_BARS]
    if not drawn:
        return None
    unit = reports.changes_unit(found)
    return page_chart(
        lambda caption, frame: bars(drawn, ("Before", "After"), caption, unit, frame=frame),
        changes_table(changes),
        title="What it changes",
        says="Each value before and after the decision.",
    )


def changes_table(changes: Sequence[ChangedValue]) -> Table:
    columns = (Column("Value"), Column("Before"), Column("After"))
    return Table("changes", "What it changes", columns, [tuple(each) for each in changes])


def guardrail_table(found: Any) -> Table:
    """What failed first."""
    columns = (Column("Guardrail"), Column("Result", badge=True), Column("Finding", prose=True))
    rows = sorted(found.guardrails, key=lambda each: bool(each["passed"]))
    lines = [
        (
            guardrail_title(each["name"]),
            "passed" if each["passed"] else "failed",
            guardrail_finding(each),
        )
        for each in rows
    ]
    return Table("guardrails", "Guardrails", columns, lines)


def earlier_table(found: Any) -> Table:
    """What happened the last times that this was decided."""
    rows = reports.earlier(found, MAX_EARLIER)
    columns = (
        Column("Decision"),
        Column("Proposed at"),
        Column("Status", badge=True),
        *map(Column, ("Expected", "Realised", "Outcome")),
    )
    lines = [
        (
            title,
            each.proposed_at,
            each.get_status_display(),
            expected_text(each.expected),
            realised_text(each.realised, each.expected),
            each.get_verdict_display(),
        )
        for each, title in zip(rows, titles(rows), strict=True)
    ]
    paths = [decision_path(each.pk) for each in rows]
    return Table("earlier", "The last times", columns, lines, paths)


@viewer_and_approver
def decide(request: HttpRequest) -> HttpResponseBase:
    """Approve, reject or postpone several: a GET asks, a POST does each and says how it went."""
    asked = request.POST if request.method == "POST" else request.GET
    step, rows, problem = _chosen(asked.get("step", ""), request.GET.getlist("pk"))
    if request.method == "POST" and step and not problem:
        for each in rows:
            _do(request, step, each)
        return redirect(DECISIONS.path)
    may_decide = access.holds(request, reports.APPROVE)
    is_asked = bool(request.GET or request.method == "POST")
    return page_context.render_page(
        request,
        "decide",
        "Decide on several",
        [],
        [DECISIONS],
        problems=[problem] if problem and is_asked else [],
        confirmation=_confirmation_of_several(step, rows)
        if step and not problem and may_decide
        else None,
        may_decide=may_decide,
    )


def _chosen(name: str, texts: Sequence[str]) -> tuple[DecisionStep | None, list[Any], str]:
    """The step and the decisions that are asked for, and what is wrong with that."""
    step = STEPS.get(name)
    if step is None or step is ROLL_BACK:
        return None, [], "Choose approve, reject or later."
    if not texts or len(texts) > MAX_WAITING or not all(_is_key(each) for each in texts):
        return step, [], f"Choose between 1 and {MAX_WAITING} decisions."
    rows = reports.found([int(each) for each in texts])
    return step, rows, "" if rows else "There are no such decisions."


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _confirmation_of_several(step: DecisionStep, rows: Sequence[Any]) -> Confirmation:
    named = list(zip(rows, titles(rows), strict=True))
    failed = [
        f"{title}: {text}" for each, title in named for text in failed_guardrails(each.guardrails)
    ]
    return Confirmation(
        f"{step.verb} {counted(len(rows), 'decision')}?",
        step.verb,
        f"{reverse('decide')}?{urlencode([('pk', each.pk) for each in rows])}",
        DECISIONS.path,
        [(title, expected_text(each.expected)) for each, title in named],
        failed,
        {"step": step.name},
        note="Why (optional)" if step.name in TARGETS else "",
    )
