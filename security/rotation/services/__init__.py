"""Register, rotate, pause and end managed keys."""

from aethercrown.transitions import InvalidTransition
from security.rotation.results import RotationResult
from security.rotation.services.bulk import rotate_many
from security.rotation.services.due import resume_runs, rotate_due, rotate_due_for
from security.rotation.services.execute import RotationFailed
from security.rotation.services.four_eyes import ApprovalRequired
from security.rotation.services.lifecycle import (
    InvalidArgument,
    SecretNotFound,
    change,
    get,
    pause,
    resume,
    revoke,
)
from security.rotation.services.orders import collect, order, rotate_now, run_ordered, wait
from security.rotation.services.policy import set_policy
from security.rotation.services.register import DuplicateKey, Registered, register
from security.rotation.services.reveal import NotBoundToKey, RevealedValue, reveal
from security.rotation.services.rotate import (
    COMPROMISED,
    MANUAL,
    REASONS,
    PreviousStillPromised,
    completed_rotation,
    rehearse,
    rotate,
)
from security.rotation.services.steps import (
    RotationInProgress,
    close_outside,
    database_now,
)
from security.rotation.services.unfinished import resume_unfinished
