"""The page on which people outside end marketing mail, by the signed link of such a mail."""
