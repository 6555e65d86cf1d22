"""Who may do what.

access: people, their roles and their sign-in.
apikeys: credentials of API consumers.
audit: a chain of events and the history of what staff edit, which nobody changes unnoticed.
"""
