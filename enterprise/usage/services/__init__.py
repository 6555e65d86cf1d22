"""Writing usage: events, readings, limits, alerts, days to billing, backfills, upkeep."""

from enterprise.usage.services.automation import AUTOMATIONS
from enterprise.usage.services.backfill import BACKFILL
from enterprise.usage.services.customer_hook import CUSTOMER_HOOK
from enterprise.usage.services.metrics import define_metric, set_limits
from enterprise.usage.services.readings import NeedsEvents, ReadingConflicts, UnknownNames, clock
from enterprise.usage.services.readings import track as track_readings
from enterprise.usage.services.thresholds import evaluate_dirty
from enterprise.usage.services.track import (
    BatchConflicts,
    BatchRejected,
    OwnClient,
    TrackedBatch,
)
from enterprise.usage.services.track import track as track_events
from enterprise.usage.services.upsell import NothingToOffer, campaign_fields
from enterprise.usage.services.upsell import trigger as trigger_upsell
