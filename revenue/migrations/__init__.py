"""What the tables of revenue became, step by step."""
