"""Single sign-on through allauth: its redirect, its state and its steps after the sign-in.

Ours are the calls (openid/provider_client.py), the check of the token (openid/id_token.py) and what
follows from it (single_sign_on.py); settings name SocialAccountAdapter.
"""

import hashlib
import time
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from aethercrown.history import audit_hooks
from aethercrown.http import sessions
from aethercrown.identity_provider import ProviderSettings
from security.access.models import User
from security.access.openid import claims, id_token
from security.access.openid.provider_client import ProviderClient, ProviderFailed, client_for
from security.access.services import signin_audit, single_sign_on

FAILED = "The identity provider could not be asked, or its answer was not valid. Try again."
CANCELLED = "The identity provider did not sign you in."


def is_configured() -> bool:
    return settings.OIDC_PROVIDER is not None


def provider_settings() -> ProviderSettings:
    """Raises Http404 where single sign-on is off."""
    if settings.OIDC_PROVIDER is None:
        raise Http404
    return settings.OIDC_PROVIDER


def provider_key() -> str:
    """The name under which accounts are stored: another issuer has other accounts."""
    return f"oidc-{hashlib.sha256(provider_settings().issuer.encode()).hexdigest()[:16]}"


class OpenIDAdapter(OAuth2Adapter):  # type: ignore[misc]  # its base has no types
    """One sign-in: asks the provider through the outbound policy and verifies its token."""

    provider_id = "openid_connect"
    verifier = ""

    @property
    def provider_client(self) -> ProviderClient:
        return client_for(provider_settings())

    @property
    def authorize_url(self) -> str:
        return self.provider_client.metadata().authorization_endpoint

    @property
    def access_token_url(self) -> str:
        return self.provider_client.metadata().token_endpoint

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        path = reverse("sso_callback")
        return (
            f"{settings.PUBLIC_URL}{path}"
            if settings.PUBLIC_URL
            else request.build_absolute_uri(path)
        )

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: Any = None
    ) -> dict[str, str]:
        self.verifier = str(pkce_code_verifier or "")
        code = request.GET.get("code", "")
        try:
            token = self.provider_client.exchange(code, self.verifier, client.callback_url)
        except ProviderFailed as error:
            raise OAuth2Error(str(error)) from error
        return {"id_token": token}

    def parse_token(self, data: dict[str, str]) -> SocialToken:
        return SocialToken()  # no token of the provider is stored

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **given: Any
    ) -> SocialLogin:
        try:
            said = self.verified(given["response"]["id_token"])
            identity = claims.identity(
                said, roles_claim=settings.OIDC_ROLES_CLAIM, roles=settings.OIDC_ROLES,
                factors=settings.OIDC_SECOND_FACTORS,
            )  # fmt: skip
        except (ProviderFailed, id_token.IdTokenRefused, claims.ClaimsRefused) as error:
            raise OAuth2Error(str(error)) from error
        account = SocialAccount(provider=provider_key(), uid=identity.subject)
        login = SocialLogin(user=User(), account=account, provider=self.get_provider())
        login.identity = identity
        return login

    def verified(self, token: str) -> dict[str, Any]:
        """The token's claims; the keys are looked at again where its key is not among them."""
        mine = provider_settings()
        wanted = {
            "issuer": mine.issuer,
            "client_id": mine.client_id,
            "nonce": id_token.nonce_of(self.verifier),
        }
        try:
            return id_token.verify(token, self.provider_client.keys(), **wanted)
        except id_token.UnknownKey:
            return id_token.verify(token, self.provider_client.keys(again=True), **wanted)


class OpenIDProvider(OAuth2Provider):  # type: ignore[misc]  # its base has no types
    id = "openid_connect"
    oauth2_adapter_class = OpenIDAdapter

    def get_pkce_params(self) -> dict[str, Any]:
        params: dict[str, Any] = generate_code_challenge()
        return {**params, "nonce": id_token.nonce_of(params["code_verifier"])}

    def get_scope(self) -> list[str]:
        return list(settings.OIDC_SCOPES)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # no types
    """allauth's single sign-on: one provider, from the environment alone."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: Any = None) -> Any:
        return OpenIDProvider(request, app=self.get_app(request, provider))

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> Any:
        mine = provider_settings()
        return [
            SocialApp(
                provider=OpenIDProvider.id, provider_id=provider_key(), name=settings.OIDC_NAME,
                client_id=mine.client_id, settings={},
            )
        ]  # fmt: skip

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Replace what allauth looked up by the account that is admitted."""
        identity = sociallogin.identity
        found = single_sign_on.admit(identity, provider_key(), creates=settings.OIDC_CREATE_PEOPLE)
        if found.refusal:
            raise ImmediateHttpResponse(refused(request, found.refusal, found.user))
        sociallogin.user = found.user
        sociallogin.state["authenticated_at"] = identity.authenticated_at
        sociallogin.state["has_second_factor"] = identity.has_second_factor

    def on_authentication_error(self, request: HttpRequest, *_args: Any, **given: Any) -> None:
        error = given.get("exception")
        words = FAILED if error else CANCELLED
        raise ImmediateHttpResponse(refused(request, words, why=str(error or "no code")))


def refused(
    request: HttpRequest, words: str, user: User | None = None, why: str = ""
) -> HttpResponse:
    """The page for a sign-in that was not admitted; the audit has the reason."""
    detail = {"why": "single sign-on", "reason": (why or words)[:200]}
    signin_audit.record_refusal("sign-in refused", user, request, **detail)
    return render(request, "account/sso_refused.html", {"words": words}, status=403)


def note_sign_in(request: HttpRequest, user: User, sociallogin: Any = None, **_signal: Any) -> None:
    """Receives allauth's `user_logged_in`: how fresh the sign-in is, and with which factor.

    The provider may have answered for a session of its own: the sign-in is as fresh as it says,
    unless a second factor was shown here.
    """
    if sociallogin is None:
        return
    if not sessions.has_second_factor(request.session, user.pk):
        at = min(int(sociallogin.state["authenticated_at"]), int(time.time()))
        sessions.mark_reauthenticated(request.session, at)
    if sociallogin.state["has_second_factor"]:
        sessions.mark_providers_factor(request.session, user.pk)


def record_unlinked(instance: SocialAccount, **_signal: Any) -> None:
    """Receives `post_delete` of a link, whoever removes it."""
    audit_hooks.record(
        stream="access", event="single sign-on unlinked", subject=f"user {instance.user_id}"
    )
