"""Upsell: larger plans that suit customers, from finding them to measuring their effect.

A nightly sweep forecasts each customer's use, prices every plan by it and stores opportunities.
Offers and acceptances are decisions: they are applied, undone and measured. An accepted
opportunity can move the customer's subscription to the recommended plan.
"""
