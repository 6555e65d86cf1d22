"""Every automatic decision is a row: what was seen, chosen, expected, done and gained.

An automation drafts; services.propose stores the draft once for the same inputs. Guardrails
and the automation's mode (observe, propose, auto) say whether a person must approve. Each
kind of decision registers how it is applied, undone and measured; the effect happens in the
decision's own transaction. At its horizon the realised effect is set beside the promise.
"""
