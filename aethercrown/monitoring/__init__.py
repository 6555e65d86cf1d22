"""Logs, redaction, request ids, probes, metrics and the doctor."""
