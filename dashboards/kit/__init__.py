"""The living page of the kit: every part with made-up figures, for staff who build pages."""
