"""Whether a mail to somebody outside may go out now, waits until when, or never goes. Pure.

Quiet hours and frequency caps make it wait; without consent, or suppressed, it does not go at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from aethercrown.wall_time import instant

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MAX_STEPS = 20  # from one allowed moment to the next; quiet hours and caps alternate


class ConsentState(StrEnum):
    UNKNOWN = "unknown"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class SuppressionScope(StrEnum):
    NONE = "none"
    MARKETING = "marketing"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SendingLimits:
    """The rule of one purpose; no quiet hours where both ends are equal, None: no cap."""

    needs_consent: bool = False
    is_marketing: bool = False
    quiet_from: time = time(0)
    quiet_until: time = time(0)
    most_a_day: int | None = None
    most_a_week: int | None = None
    longest_wait: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known of the recipient: `sent` are the earlier mails of this purpose, in a week."""

    consent: ConsentState
    suppression: SuppressionScope
    zone: tzinfo
    sent: Sequence[datetime] = ()
    waits_since: datetime | None = None
    unwanted: str = ""


@dataclass(frozen=True, slots=True)
class SendingVerdict:
    """Send now, wait until a moment for a reason, or (without a moment) do not send at all."""

    reason: str = ""
    until: datetime | None = None

    @property
    def is_go(self) -> bool:
        return not self.reason


def verdict(now: datetime, facts: RecipientFacts, limits: SendingLimits) -> SendingVerdict:
    """What happens to a mail that is due."""
    if reason := _refusal(facts, limits):
        return SendingVerdict(reason)
    reason, allowed = next_allowed(now, facts, limits)
    if allowed <= now:
        return SendingVerdict()
    since = facts.waits_since or now
    if allowed > since + limits.longest_wait:
        hours = limits.longest_wait // timedelta(hours=1)
        return SendingVerdict(f"It expired: it would have waited longer than {hours} hours.")
    return SendingVerdict(reason, allowed)


def _refusal(facts: RecipientFacts, limits: SendingLimits) -> str:
    if facts.unwanted:
        return facts.unwanted
    if facts.suppression == SuppressionScope.ALL:
        return "Nothing is sent to this address."
    if limits.is_marketing and facts.suppression == SuppressionScope.MARKETING:
        return "The recipient unsubscribed."
    if limits.needs_consent and facts.consent != ConsentState.GIVEN:
        return "The recipient has not agreed to such mail."
    return ""


def next_allowed(
    now: datetime, facts: RecipientFacts, limits: SendingLimits
) -> tuple[str, datetime]:
    """The first allowed moment from `now` on, and what it waits for first."""
    moment, first = now, ""
    for _step in range(MAX_STEPS):
        after_quiet = quiet_end(moment, limits, facts.zone)
        free = cap_end(after_quiet, facts.sent, limits)
        capped = "frequency cap" if free > after_quiet else ""
        first = first or ("quiet hours" if after_quiet > moment else capped)
        moment = free
    return first, moment


def quiet_end(moment: datetime, limits: SendingLimits, zone: tzinfo) -> datetime:
    """`moment`, or the end of the quiet hours of the recipient's zone that it lies in."""
    begins, ends = limits.quiet_from, limits.quiet_until
    local = moment.astimezone(zone)
    clock = local.time()
    over_midnight = begins > ends
    if begins == ends or not (
        clock >= begins or clock < ends if over_midnight else begins <= clock < ends
    ):
        return moment
    day = local.date() + (DAY if over_midnight and clock >= begins else timedelta(0))
    return instant(datetime.combine(day, ends, zone))


def cap_end(moment: datetime, sent: Sequence[datetime], limits: SendingLimits) -> datetime:
    """`moment`, or when enough of the earlier mails are a day, or a week, past."""
    free = moment
    for most, span in ((limits.most_a_day, DAY), (limits.most_a_week, WEEK)):
        recent = sorted(each for each in sent if each > moment - span)
        if most is not None and len(recent) >= most:
            free = max(free, recent[len(recent) - most] + span)
    return free
