"""Back-ups in one file, and restoring them.

`./manage.py backup` copies the database in one snapshot with the anchor files, adds a manifest
with the row count and digest of every table, encrypts it, and verifies the file before naming it.
`./manage.py restore` verifies all of that before it changes anything, restores beside the
database, swaps last, and pauses automation until a person resumes it.
"""
