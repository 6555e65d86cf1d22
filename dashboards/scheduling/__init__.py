"""The queue of AI tasks as a page: who does what when, how good that is, and what holds it up."""
