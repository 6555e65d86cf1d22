"""Reading the latest checks, their history and what the doctor reports."""
