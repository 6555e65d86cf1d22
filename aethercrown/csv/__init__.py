"""CSV import and export, for commands and admin screens."""
