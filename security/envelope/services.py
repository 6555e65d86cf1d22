"""Sealing with the platform's keys, the platform's own secrets, and moving to a new KEK."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from threading import Lock
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from aethercrown import ring
from aethercrown.ring import MOST_WRAPS, Ring
from security.envelope import box
from security.envelope.box import Box, Place
from security.envelope.models import Kek, Sealed, SystemSecret

BATCH = 2_000
BLOCK = 4_096  # wraps that a process reserves at once, so that not every seal writes the counter
UUID_ZERO = "00000000-0000-0000-0000-000000000000"


class WrongKek(Exception):
    """ENCRYPTION_KEYS has another key under a known name: nothing is written under it."""


class WornOut(Exception):
    """A KEK has made as many wraps as one key may."""
