"""`manage.py test`: everything that must hold before a change is shared.

`steps` names the checks, `run` carries them out, on a real PostgreSQL and on SQLite, and ends
with one table. All steps run, also after one has failed.
"""
