"""Enterprise clients: onboarding, service levels, usage. Its features land with their systems."""
