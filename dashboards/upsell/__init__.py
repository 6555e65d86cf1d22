"""Upsell pages: the pipeline, answers to offers, effects of acceptances, one opportunity."""
