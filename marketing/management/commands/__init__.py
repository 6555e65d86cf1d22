"""experiment_cases: worked examples of experiments compared."""
