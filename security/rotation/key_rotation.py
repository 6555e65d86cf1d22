"""The documented class, thin over services and reports."""

from typing import Any

from security.rotation import reports, services


class KeyRotationManager:
    """Managed keys as calls with plain answers."""

    def register_key(
        self, key_id: str, key_type: str, security_level: str = "medium", **more: Any
    ) -> dict[str, Any]:
        """Put a key under management; `secret` is in the answer only where the system made it."""
        made = services.register(key_id, key_type, level=security_level, **more)
        found = reports.key_info(made.key)
        return {**found, "secret": made.secret} if made.secret is not None else found

    def rotate_key(self, key_id: str, reason: str = "manual", **more: Any) -> dict[str, Any]:
        """Rotate one key now; `new_key` is shown only here."""
        return services.rotate(key_id, reason=reason, **more).as_json()

    def schedule_auto_rotation(self) -> dict[str, Any]:
        """Rotate whatever is due, within the hour's limit; calling it twice does no harm."""
        return services.rotate_due().as_json()

    def get_keys_due_for_rotation(self) -> list[dict[str, Any]]:
        return reports.due(services.database_now())

    def get_rotation_report(self) -> dict[str, Any]:
        return reports.report(services.database_now())
