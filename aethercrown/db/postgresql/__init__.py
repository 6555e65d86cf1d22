"""Django's backend for PostgreSQL with a health check that asks the server only when it must."""
