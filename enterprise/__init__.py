"""Enterprise clients, a folder each: onboarding, sla (service levels), usage; and demo."""
