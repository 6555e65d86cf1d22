"""Encrypt with the keys of ENCRYPTION_KEYS, and re-wrap data keys under a new one."""

from security.encryption.services.envelope import KekExhausted, seal, seal_many
from security.encryption.services.rewrap import BATCH_ROWS, rewrap
