"""HTTP: the client for outside calls, security headers, sessions."""
