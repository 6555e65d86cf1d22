"""Read upsell opportunities, the terms of offers and their answers."""

from revenue.upsell.reports.offers import AnswerCounts, answer_counts, offer_mails, terms
from revenue.upsell.reports.pipeline import (
    EXPORTERS,
    accepted_with_effect,
    currencies,
    decision_subjects,
    ended,
    of_customers,
    opportunities,
    opportunity_counts,
    personal_data,
    pipeline,
    sums_of_offers,
)
