"""Versions of price books, stored quotes, and prices outside the guardrails."""

from revenue.pricing.services.overrides import KINDS, quote_page_path, request_override
from revenue.pricing.services.quotes import create_quote
from revenue.pricing.services.versions import draft, publish, retire
