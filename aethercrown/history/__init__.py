"""History of edited rows, the current actor, and hooks into the audit."""
