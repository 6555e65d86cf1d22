"""The page of a row's history: who changed what, when and why."""
