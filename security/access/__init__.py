"""People, their roles, and how they sign in: password, second factor, set-up link, sign-in audit."""
