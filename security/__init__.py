"""Who may do what.

access: people, their roles and their sign-in.
apikeys: credentials of API consumers.
audit: a chain of events and the history of what staff edit, which nobody changes unnoticed.
envelope: secrets at rest, under keys that can be changed.
rotation: managed keys that rotate themselves.
stages: the steps of a rotation on its rows.
"""
