"""Who may do what.

access: people, their roles and their sign-in.
apikeys: credentials of API consumers.
"""
