"""Single sign-on by OpenID Connect: the calls to the identity provider, and what its token says.

`provider_client` calls the provider through the one outbound policy, `id_token` verifies the signed
token, and `claims` reads the person, the roles and the second factor from it. Which accounts and
roles follow from it is decided by `services/single_sign_on`.
"""
