"""Read upsell opportunities, the terms of offers and their answers."""

from revenue.upsell.reports.export import EXPORTERS, personal_data
from revenue.upsell.reports.offers import AnswerCounts, answer_counts, terms
from revenue.upsell.reports.pipeline import (
    accepted_with_effect,
    currencies,
    ended,
    opportunities,
    opportunity_counts,
    pipeline,
)
