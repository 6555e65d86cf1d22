"""People, roles and sign-in: password, second factor, set-up link and the audit of sign-ins."""
