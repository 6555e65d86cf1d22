"""The API's shared parts: views, errors, pagination, idempotency, rate limits, OpenAPI."""
