from datetime import timedelta
from threading import Event

from operations.automations.lease import LeaseRenewal

SOON = timedelta(milliseconds=1)
LONG = timedelta(hours=1)


def lost(lease):
    """Wait until the lease's thread has given up; its last act is to mark the loss."""
    lease._thread.join(timeout=30)
    return not lease.is_held()


def test_a_lease_is_renewed_until_its_work_ends():
    renewed = Event()

    def renew():
        renewed.set()
        return True

    with LeaseRenewal(renew, SOON, LONG) as lease:
        assert renewed.wait(timeout=30)
        assert lease.is_held()
    assert lease.is_held()


def test_a_lease_that_was_taken_over_is_lost():
    with LeaseRenewal(lambda: False, SOON, LONG) as lease:
        assert lost(lease)


def test_a_short_work_never_renews():
    with LeaseRenewal(lambda: False, LONG, LONG) as lease:
        pass
    assert lease.is_held()


def test_one_failure_to_renew_is_not_a_loss():
    again, answers = Event(), iter([OSError("no database"), None])

    def renew():
        answer = next(answers, None)
        if answer is not None:
            raise answer
        again.set()
        return True

    with LeaseRenewal(renew, SOON, LONG) as lease:
        assert again.wait(timeout=30)
        assert lease.is_held()


def test_a_lease_that_cannot_be_renewed_for_its_whole_length_is_lost():
    def renew():
        raise OSError("no database")

    with LeaseRenewal(renew, SOON, timedelta(0)) as lease:
        assert lost(lease)
