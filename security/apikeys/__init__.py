"""Keys of API clients: shown once, stored as a digest, with scopes, networks, a rate and an end.

A key is verified in one query and refused at once when it is revoked. Rotating it issues a
successor while the old key works until `retire_at`.
"""
