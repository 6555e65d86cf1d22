"""Create and change flows: steps, automation, moves, owners, contacts, reminders."""
