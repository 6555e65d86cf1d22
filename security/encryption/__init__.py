"""Envelope encryption of secrets at rest.

Each secret is encrypted with a data key of its own (AES-256-GCM), and that key is wrapped by a
key-encryption key (KEK) of ENCRYPTION_KEYS. A new KEK re-wraps the data keys only; the ciphertexts
stay. A stored canary for each KEK detects a wrong key before anything is encrypted with it.
"""
