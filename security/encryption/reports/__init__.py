"""The keyring, decryption, and which rows each key-encryption key is needed for."""

from security.encryption.reports.keks import (
    WrongKek,
    keyring,
    problems,
    rows_by_kek,
    sealed_models,
    unseal,
)
