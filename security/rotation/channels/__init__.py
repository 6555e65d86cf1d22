"""How a new value reaches those who use it: files, and pulls; webhooks are a rotator too. Pure."""
