"""What events and readings say, and how they add up in a period; pure."""
