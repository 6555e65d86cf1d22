from security.apikeys.tasks import watch_api_keys
from security.rotation.tasks import tend_keys, watch_keys

__all__ = ["tend_keys", "watch_api_keys", "watch_keys"]
