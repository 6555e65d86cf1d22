"""Credentials of API consumers.

A key is shown once and kept as a digest. It carries scopes, is checked in one query, and dies at
once when revoked. Rotation hands out a successor while the old key works until `retire_at`.
token and scopes are the pure part; usage collects when each key was last seen.
"""
