"""The first page: what needs attention, the figures, decisions waiting, last runs."""
