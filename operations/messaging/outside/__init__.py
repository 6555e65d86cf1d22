"""What is sent to people outside: kinds of mail, merge fields, and when a mail may go out. Pure."""
