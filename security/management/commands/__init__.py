"""Commands for API keys, key-encryption keys, the audit and the first administrator."""
