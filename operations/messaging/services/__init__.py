"""Write messages with their events, to staff or people outside, and send them.

Each claim and each result is one commit. Only the holder of the last claim may record a result, so
that a worker that was paused past its lease changes nothing. Leases are counted on the clock that
the caller passes, which tests set.
"""

from operations.messaging.services.addresses import (
    UnknownLink,
    address_hash,
    allow_again,
    forget_consent,
    give_consent,
    hash_of_link,
    recipient,
    suppress,
    unsubscribe,
    withdraw_consent,
)
from operations.messaging.services.deliver import (
    LEASE_LENGTH,
    OVERTAKEN,
    WORKER_LOST,
    DeliveryFailed,
    claim,
    delete_old_messages,
    deliver,
    deliver_due,
    deliver_stuck,
    send_again,
)
from operations.messaging.services.destinations import (
    alert_destinations,
    enqueue,
    enqueue_alert,
    enqueue_test,
    keys_heard,
    mark_told,
    returned_destinations,
    set_secret,
    words_heard,
)
from operations.messaging.services.outside_mail import cancel, enqueue_mail, erase_mail, release
from operations.messaging.services.templates import check_template, publish, save_draft
