"""The steps of a rotation for many keys at once, where nothing has to be set outside."""
