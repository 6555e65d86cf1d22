"""A digest of a decision's inputs that does not depend on how they are written. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any


def digest(inputs: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return sha256(canonical(inputs).encode()).hexdigest()


def canonical(inputs: Any) -> str:
    """JSON with sorted keys and no spaces; NaN and infinities are refused (ValueError)."""
    return json.dumps(
        to_json_values(inputs),
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )


def to_json_values(value: Any) -> Any:
    """As JSON: Decimals, dates, durations and times (in UTC) as strings. Raises TypeError."""
    if isinstance(value, Mapping):
        return {_key(key): to_json_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_values(each) for each in value]
    if isinstance(value, Decimal | date | timedelta):
        return _to_text(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of a decision's inputs.")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"The key {key!r} is not text.")
    return key


def _to_text(value: Decimal | date | timedelta) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a finite amount.")
        return str(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} s"
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.isoformat()
