"""Secrets at rest: each sealed under a key of its own, and that key wrapped by the platform's.

box seals and opens (AES-256-GCM); ring holds the key-encryption keys (KEKs) of ENCRYPTION_KEYS,
the first of which wraps what is new. Changing the KEK re-wraps the small keys only: the
ciphertexts stay. A canary for each KEK shows a wrong one before anything is written under it.
"""
