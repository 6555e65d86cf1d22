"""Enterprise clients: onboarding, service levels, usage. See sla and onboarding."""
