"""run_automation: run what is due and print what each automation did."""
