"""Note when customers first use what they bought, by their stored use."""

from django.db.models import ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from aethercrown.db.fields import AmountField
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow
from enterprise.usage.metering.metric_kinds import MetricAggregation
from enterprise.usage.models import UsageDay

MEASURED = (states.ACTIVE, states.ON_HOLD, states.COMPLETED)
TEMPLATE = "template_version__template"
MILLION = 1_000_000  # amounts are stored as whole millionths


def note_reached() -> int:
    """Store the first day of use of each flow that has reached its amount; returns how many.

    Days count from the one on which the flow started; the figure of a day is what its metric makes
    of the events.
    """
    rows = OnboardingFlow.objects.filter(
        status__in=MEASURED, first_value_on=None, customer__isnull=False
    ).exclude(**{f"{TEMPLATE}__value_metric": ""})
    reached = _days().filter(_reaches(OuterRef(f"{TEMPLATE}__value_amount"))).order_by("day")
    found = (
        rows.annotate(started_on=TruncDate("started_at"))
        .annotate(reached=Subquery(reached.values("day")[:1]))
        .exclude(reached=None)
    )
    noted = 0
    for flow_id, day in list(found.values_list("pk", "reached")):
        unnoted = OnboardingFlow.objects.filter(pk=flow_id, first_value_on=None)
        noted += unnoted.update(first_value_on=day)
    return noted


def _days() -> QuerySet[UsageDay]:
    """The days of use of a flow's customer and metric since it started."""
    rows = UsageDay.objects.filter(
        customer=OuterRef("customer"),
        metric__code=OuterRef(f"{TEMPLATE}__value_metric"),
        day__gte=OuterRef("started_on"),
    )
    return rows.annotate(
        counted=ExpressionWrapper(F("count") * MILLION, output_field=AmountField())
    )


def _reaches(amount: OuterRef) -> Q:
    """Whether the figure of a day, by the metric's aggregation, is at least the amount.

    Of a metric that counts different values no day row has the figure: it is never reached.
    """
    averaged = Q(average__gte=amount) | Q(average=None, last__gte=amount)
    by_aggregation = {
        MetricAggregation.SUM: Q(quantity__gte=amount),
        MetricAggregation.COUNT: Q(counted__gte=amount),
        MetricAggregation.MAX: Q(most__gte=amount),
        MetricAggregation.LAST: Q(last__gte=amount),
        MetricAggregation.TIME_WEIGHTED: averaged,
    }
    found = Q()
    for aggregation, is_reached in by_aggregation.items():
        found |= Q(metric__aggregation=aggregation) & is_reached
    return found
