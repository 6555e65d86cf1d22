"""What the templates of pages ask for beside their context."""
