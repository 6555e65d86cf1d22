"""Read upsell opportunities, the terms of offers and their answers."""

from revenue.upsell.reports.export import EXPORTERS, personal_data
from revenue.upsell.reports.offers import (
    AnswerCounts,
    answer_counts,
    comparison_group,
    count_offered_at,
    last_declined,
    offers_in_last_day,
    open_by_priority,
    terms,
)
from revenue.upsell.reports.pipeline import (
    accepted_with_effect,
    currencies,
    ended,
    opportunities,
    opportunity_counts,
    pipeline,
)
from revenue.upsell.reports.sweep import (
    OpportunityColumns,
    candidates,
    columns_of,
    opportunities_of_batch,
    sweep_context,
)
