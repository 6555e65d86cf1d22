"""The first page: attention, decisions waiting, last runs, and one card for each system."""
