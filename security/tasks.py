from security.apikeys.tasks import check_api_keys
from security.rotation.tasks import resume_rotations, update_key_alerts

__all__ = ["check_api_keys", "resume_rotations", "update_key_alerts"]
