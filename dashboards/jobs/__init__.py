"""The pages of jobs: a person's own with their progress; one job with its result."""
