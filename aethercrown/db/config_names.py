"""What may be shown of a configuration, by the names of its values. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aethercrown.monitoring import redaction
from aethercrown.monitoring.redaction import MASK, mask_address


@dataclass(frozen=True, slots=True)
class ConfigNames:
    """What may be shown of a configuration, by the names of its values.

    Those in `plain` whole, of `addresses` the host; everything else is a secret, whatever it
    looks like.
    """

    plain: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    def shown(self, name: str, value: Any) -> Any:
        """The value without its secret."""
        if name in self.addresses and isinstance(value, str):
            return mask_address(value, hide_path=True)
        return redacted(value) if name in self.plain else MASK


NOTHING = ConfigNames()


def redacted(value: Any) -> Any:
    """A plain value, without what has the form of a secret."""
    if isinstance(value, list):
        return [redacted(each) for each in value]
    if isinstance(value, dict):
        return MASK
    return redaction.text(value) if isinstance(value, str) else value


def masked_config(value: Mapping[str, Any] | None, names: ConfigNames) -> dict[str, Any]:
    """A copy of a configuration without the secrets in it."""
    return {name: names.shown(name, each) for name, each in (value or {}).items()}


def masked_config_text(value: Mapping[str, Any] | None, names: ConfigNames) -> str:
    """A configuration as pages show it."""
    return json.dumps(masked_config(value, names), ensure_ascii=False)


def unmasked_config(
    shown: Mapping[str, Any], stored: Mapping[str, Any], names: ConfigNames
) -> dict[str, Any]:
    """What a form that showed `stored` masked stands for: each mask sent back is what is stored."""
    hidden = masked_config(stored, names)
    return {
        name: stored[name] if name in stored and each == hidden[name] else each
        for name, each in shown.items()
    }
