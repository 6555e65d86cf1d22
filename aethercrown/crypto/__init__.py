"""Key-encryption keys, and the encryption of single texts that any app stores.

keyring reads ENCRYPTION_KEYS. sealing encrypts a text for one row; the security app registers how.
"""
