"""Credentials of API consumers: keys with scopes, kept as a digest, checked in one query."""
