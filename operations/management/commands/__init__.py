"""run_automation: what is due, now, with a table of what each automation did."""
