"""People: the user record and the roles that open pages and the admin."""
