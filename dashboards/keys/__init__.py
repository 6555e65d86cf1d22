"""The page of managed keys and of API keys that end soon."""
