"""Which worker does which task when, with a lower bound that shows how good the plan is. Pure."""
