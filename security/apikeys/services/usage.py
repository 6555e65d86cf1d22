"""Store when keys were last used, from a background thread, so that a request writes nothing."""

import logging

from django.db.models import Case, DateTimeField, Q, Value, When

from aethercrown.background import PeriodicThread
from security.apikeys.models import ApiKey
from security.apikeys.usage import UsageCollector
from security.encryption.reports import system_secrets

FLUSH_INTERVAL_SECONDS = 60.0
log = logging.getLogger(__name__)
collector = UsageCollector()


def flush(collector: UsageCollector = collector) -> int:
    """Store the latest times in one UPDATE, and newer digests; how many keys were used."""
    latest, digests = collector.take()
    if not latest:
        return 0
    times = [When(pk=key_id, then=Value(at)) for key_id, at in latest.items()]
    newest = Case(*times, output_field=DateTimeField())
    older = Q(last_used_at=None) | Q(last_used_at__lt=newest)
    try:
        ApiKey.objects.filter(older, pk__in=latest).update(last_used_at=newest)
        for key_id, (digest, pepper_id) in digests.items():
            ApiKey.objects.filter(pk=key_id).update(digest=digest, pepper_id=pepper_id)
    except Exception:
        collector.put_back(latest, digests)
        raise
    return len(latest)


def store_usage(collector: UsageCollector = collector) -> None:
    """Flush, and read the peppers again; what could not be stored waits for the next call."""
    try:
        system_secrets.read(system_secrets.PEPPER)
        flush(collector)
    except Exception:
        log.warning("Could not store when API keys were last used", exc_info=True)


usage_thread = PeriodicThread(store_usage, FLUSH_INTERVAL_SECONDS, "key usage", final_call=True)
