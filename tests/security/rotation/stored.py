"""The values that are stored of a managed key."""

from security.rotation.models import SecretVersion
from security.rotation.services import execute

current_value = execute.secret_of  # raises TargetRefused where there is none


def working_values(key_id):
    """Every value that works, the current one first: during the grace there are two."""
    rows = SecretVersion.objects.filter(key__key_id=key_id, state__in=["current", "retiring"])
    rows = rows.select_related("key").order_by("-number")
    return [execute.decrypt(each.key, each) for each in rows]
