"""Reading the stored queue: tasks, workers, the plan and the metrics."""
