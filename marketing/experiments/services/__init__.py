"""Writing A/B tests: create, change, assign, track, count, look, conclude."""

from marketing.experiments.services.assign import UnknownTest, assign
from marketing.experiments.services.count import count_events
from marketing.experiments.services.lifecycle import (
    AbTestSettings,
    AlreadyConcluded,
    InvalidTest,
    NewVariant,
    change_weights,
    conclude,
    create,
    pause,
    resume,
)
from marketing.experiments.services.looks import evaluate
from marketing.experiments.services.replay import replay
from marketing.experiments.services.track import (
    AbTestConcluded,
    TrackedEvents,
    TrackingConflict,
    TrackingRejected,
    track,
)
