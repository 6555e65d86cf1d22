"""The customer of the customers' tests, and its subscriptions."""

from tests.revenue.customers.conftest import customer, subscribe

__all__ = ["customer", "subscribe"]
