"""create_api_key, rotate_api_key, revoke_api_key, rewrap_keys, kek_check, verify_audit."""
