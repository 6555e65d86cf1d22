"""The platform's own secrets: the pepper of API keys, and the key that seals the audit's anchors.

Migrating makes them, or takes over what the environment or the data folder gave until then; from
then on they are sealed rows, and a back-up brings them back. held says which value is in use: a
new one only after every process has read it.
"""
