"""Response headers that keep a browser safe."""

from csp.middleware import CSPMiddleware


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy everywhere; looser under /admin, whose theme needs it."""
