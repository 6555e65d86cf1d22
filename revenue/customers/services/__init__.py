"""Writing customers and subscriptions: one fact, one transaction, one lock."""

from revenue.customers.services.contacts import (
    add_contact,
    change_contact,
    give_consent,
    save_contact,
    withdraw_consent,
    write_to,
)
from revenue.customers.services.customers import (
    InvalidEntry,
    ensure_clients,
    erase,
    erase_admin_log,
    find_or_create,
    lock_customer,
    merge,
)
from revenue.customers.services.scheduled_changes import (
    cancel_scheduled,
    record_due_changes,
    schedule_change,
)
from revenue.customers.services.subscriptions import (
    adjust,
    change,
    end,
    record_subscription,
    restore,
    saved_terms,
    take_due_steps,
)
