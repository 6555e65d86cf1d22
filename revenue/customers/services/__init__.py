"""Writing customers and subscriptions: one fact, one transaction, one lock."""

from revenue.customers.services.customers import erase, lock_customer, merge
from revenue.customers.services.subscriptions import adjust, change, end, record_subscription
from revenue.customers.services.validation import InvalidEntry
