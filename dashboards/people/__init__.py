"""Who can sign in, with which role; inviting somebody by mail."""
