"""How days and times read in the admin and on pages; Django looks here by language."""
