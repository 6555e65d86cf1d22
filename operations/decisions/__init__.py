"""Decisions: every automatic decision is a row, with what was seen, chosen, expected and measured.

An automation drafts; `services.propose` stores the draft, once for the same inputs. Guardrails and
the automation's mode (observe, propose, auto) determine whether a person must approve. Each
decision type registers how its decisions are applied, undone and measured; the effect happens in
the decision's transaction. After its horizon the measured effect is stored beside the expected one.
"""
