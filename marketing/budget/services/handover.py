"""Send the amounts of a decided budget to those who set them outside this platform."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from aethercrown.formatting import counted, money_text
from marketing.budget import reports
from marketing.budget.models import BudgetPlan, BudgetTask
from operations.decisions import services as decisions
from operations.messaging import reports as messages
from operations.messaging import services as messaging
from operations.messaging.message import OutgoingMessage
from operations.messaging.registry import SentListener, StateTopic
from security.access import reports as people

KEY = "budget-plan:"  # followed by the decision and the event
SUPERSEDED = "a later budget"
Amounts = Mapping[str, Decimal]


def send(
    decision_id: int, event: str, currency: str, amounts: tuple[Amounts, Amounts], now: datetime
) -> int:
    """Write a message with the old and new amounts for each destination; returns how many.

    Without a destination a person gets a task. `event` is applied or rolled_back. In the
    transaction that changes the amounts.
    """
    old, new = amounts
    plan = BudgetPlan.objects.filter(decision_id=decision_id).first()
    days = reports.window_days(plan)
    names = sorted({*old, *new})
    total = sum(new.values(), Decimal(0))
    what = "is rolled back to" if event == "rolled_back" else "is now"
    title = f"[AetherCrown] The marketing budget in {currency} {what} {money_text(total, currency)}"
    lines = [_line(name, old.get(name), new.get(name), currency) for name in names]
    payload = {
        "event": f"budget_plan.{event}",
        "decision_id": decision_id,
        "plan_id": plan.pk if plan else None,
        "currency": currency,
        "days": days,
        "starts_on": plan.starts_on.isoformat() if plan and plan.starts_on else None,
        "total": str(total),
        "channels": [
            {"channel": name, "old": _text(old.get(name)), "new": str(new.get(name, Decimal(0)))}
            for name in names
        ],
        "at": now.isoformat(),
    }
    text = "\n".join([f"Set these amounts, for {counted(days, 'day')}:", "", *lines])
    message = OutgoingMessage(f"{KEY}{decision_id}:{event}", title, text, payload)
    written = messaging.enqueue(message, now, takes_budget_plans=True)
    if not written:
        _give_task(decision_id, event, currency, message, now)
    return written


def _give_task(
    decision_id: int, event: str, currency: str, message: OutgoingMessage, now: datetime
) -> None:
    """A task for the person who approved, else for the first who may; it ends an earlier one."""
    last = BudgetTask.objects.filter(currency=currency, done_at=None)
    last.update(done_at=now, done_by=SUPERSEDED)
    actor = decisions.lock(decision_id).actor
    BudgetTask.objects.get_or_create(
        decision_id=decision_id,
        event=event,
        defaults={
            "person": people.responsible(actor),
            "currency": currency,
            "title": message.title.removeprefix("[AetherCrown] "),
            "text": message.text,
            "created_at": now,
        },
    )


@transaction.atomic
def finish_task(task_id: int, *, by: str, now: datetime) -> BudgetTask:
    """Record that the amounts are set, once."""
    task = BudgetTask.objects.select_for_update().get(pk=task_id)
    if task.done_at is None:
        task.done_at, task.done_by = now, by[:200]
        task.save(update_fields=["done_at", "done_by"])
    return task


def _line(name: str, old: Decimal | None, new: Decimal | None, currency: str) -> str:
    before = "nothing before" if old is None else f"before {money_text(old, currency)}"
    return f"{name}: {money_text(new or Decimal(0), currency)} ({before})"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def is_under_way(decision_id: int) -> bool:
    """Whether the amounts were written to destinations, and none got them yet."""
    sent, written = messages.sent_of(f"{KEY}{decision_id}:applied")
    return written > 0 and not sent


def record_sent(event_key: str) -> None:
    """A destination got the amounts: the decision is applied."""
    decision_id, event = event_key.removeprefix(KEY).split(":")[:2]
    if event == "applied":
        decisions.apply_approved(int(decision_id), timezone.now())


def finish(now: datetime) -> int:
    """Apply approved plans whose amounts were sent and whose record was lost; how many."""
    waiting = BudgetPlan.objects.filter(decision__status="approved")
    keys = list(waiting.values_list("decision_id", flat=True))
    return sum(decisions.apply_approved(key, now) for key in keys if not is_under_way(key))


SENT_LISTENER, TOPIC = SentListener(KEY, record_sent), StateTopic(KEY)
