"""What templates of the project ask for beside their context."""
