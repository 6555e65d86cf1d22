"""The OpenAPI document: every answer in its envelope."""

from drf_spectacular.openapi import AutoSchema


class EnvelopeSchema(AutoSchema):
    """Describes `data` by the view's serializer, and the envelope around it."""
