"""Encrypt the secrets of second factors, so that a copy of the database opens no account."""

from collections.abc import Iterator

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from aethercrown.crypto import sealing
from aethercrown.crypto.sealing import SealedText

CONTEXT = "second factor"  # allauth does not say whose secret it is, so it is not bound to a row
SECRETS = ("secret", "seed")  # of an authenticator app, and of recovery codes


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # its base has no types
    """allauth's second factors; settings name it."""

    def get_totp_issuer(self) -> str:
        return "AetherCrown"

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, CONTEXT)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text, CONTEXT)


@transaction.atomic
def remove_factor(factor: Authenticator) -> None:
    """Delete a factor; with the last one the recovery codes, which alone ask for a code still.

    They would keep the person from setting up another factor, and open the account to who has the
    old codes.
    """
    factor.delete()
    left = Authenticator.objects.filter(user_id=factor.user_id)
    if not left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        for codes in left:
            codes.delete()


class SecondFactorSecrets:
    """The secrets in allauth's table, as `sealing.columns` lists them."""

    name = "mfa.Authenticator.data"

    def texts(self) -> Iterator[SealedText]:
        for row in Authenticator.objects.order_by("pk").iterator():
            for each in SECRETS:
                if each in row.data:
                    yield SealedText(row.pk, row.data[each], CONTEXT)

    @transaction.atomic
    def replace(self, text: SealedText, sealed: str) -> bool:
        row = Authenticator.objects.select_for_update().filter(pk=text.pk).first()
        same = [name for name in SECRETS if row and row.data.get(name) == text.sealed]
        if row is None or not same:
            return False
        row.data[same[0]] = sealed
        row.save(update_fields=["data"])
        return True
