"""Who may do what.

access: people, their roles and their sign-in.
apikeys: credentials of API consumers.
recovery: what a restored platform's secrets and audit need.
audit: a chain of events and the history of what staff edit, which nobody changes unnoticed.
batches: the same steps for many keys at once.
custody: secrets under management, from their beginning to their end.
doors: what the audit is told of refused sign-ins.
envelope: secrets at rest, under keys that can be changed.
peppers: what API keys are digested with, and how it changes.
passes: which keys are due, and how many at once.
evidence: the pack for an auditor: inventory, policy, history, exceptions, proof.
keyroom: what staff can do about a managed key, and the screens of its rules.
rotation: managed keys that rotate themselves.
standing: what the doctor is told of people, keys and seals.
stages: the steps of a rotation on its rows.
system: the secrets that the platform has for itself.
turns: the rotation of a key that is due, as a decision.
"""
