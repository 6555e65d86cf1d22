"""How staff handle managed keys: forms, what can be done about a key and when, policies, passes.

The screens of the keys themselves are security.rotation's; what is done is its services' work.
"""
