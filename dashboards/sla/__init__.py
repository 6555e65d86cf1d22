"""SLA clocks, warnings and breaches."""
