"""`KeyRotationManager`, the class that the contract names; it calls services and reports."""

from typing import Any

from security.rotation import reports, services


class KeyRotationManager:
    """Managed keys, with answers as dicts."""

    def register_key(
        self, key_id: str, key_type: str, security_level: str = "medium", **more: Any
    ) -> dict[str, Any]:
        """Register a key; the answer has `secret` only if the system generated it."""
        registered = services.register(key_id, key_type, level=security_level, **more)
        info = reports.key_info(registered.key)
        return info if registered.secret is None else {**info, "secret": registered.secret}

    def rotate_key(self, key_id: str, reason: str = "manual", **more: Any) -> dict[str, Any]:
        """Rotate one key now; only this answer has `new_key`."""
        return services.rotate(key_id, reason=reason, **more).to_dict()

    def schedule_auto_rotation(self) -> dict[str, Any]:
        """Rotate the keys that are due, within the hourly limit; safe to repeat."""
        return services.rotate_due().to_dict()

    def get_keys_due_for_rotation(self) -> list[dict[str, Any]]:
        return reports.due(services.database_now())

    def get_rotation_report(self) -> dict[str, Any]:
        return reports.report(services.database_now())
