"""The page of AI tasks: the planned queue, its figures and its bottlenecks."""
