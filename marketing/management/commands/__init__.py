"""experiment_cases: worked examples compared. replay_experiments: decisions computed again."""
