"""Pages of usage: over all clients, and of one client."""
