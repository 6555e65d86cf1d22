"""The project and what every app uses. It imports no app and names them only as strings.

api: envelope, errors, pagination, idempotency, rate limits and the OpenAPI document.
http: outbound requests, addresses, security headers, sessions.
csv: reading, import and export.
tabular: tables as other programs write them, and .xlsx.
crypto: key-encryption keys and the encryption of single texts.
history: who changed what, as rows beside each row.
monitoring: logs, request ids, /healthz, /readyz, /metrics and the doctor.
db: database back ends, batches and the cache table.
metrics: named figures of the company, with their definitions.
backup: back-ups and restores.
charts: charts as inline SVG.
embedded: the servers and processes of `make run`.
gate: the checks of `make test`.
"""

from aethercrown.celery import app as celery_app

__all__ = ["celery_app"]
