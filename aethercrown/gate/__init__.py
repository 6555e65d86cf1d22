"""`manage.py test`: every check that must pass before a change is shared.

`steps` lists the checks; `run` carries them out, on a real PostgreSQL and on SQLite, and prints
one table at the end. A failed step does not stop the others. `selection` picks the tests of
`make check`.
"""
