"""Which stored secret may be used where: what staff have bound, and nothing else."""

from security.encryption.reports import unseal
from security.rotation.models import ManagedSecret, SecretBinding, SecretVersion
from security.rotation.registry import BindingTerms, BoundSecret, TargetAddress, TargetRefused


def terms(key: ManagedSecret, address: TargetAddress) -> BindingTerms:
    """On which terms `key` may be used at `address`. Raises TargetRefused unless staff bound it."""
    found = SecretBinding.objects.filter(
        key=key, purpose=address.purpose, host=address.host, port=address.port
    ).first()
    if found is None:
        raise TargetRefused(
            f"No binding lets {key} be used at {address}: a security officer adds one under "
            "Secret bindings."
        )
    return found.terms


def secret_of(key_id: str, address: TargetAddress) -> BoundSecret:
    """Another key's current value, for use at `address` only. Raises TargetRefused."""
    versions = SecretVersion.objects.filter(key__key_id=key_id, state=SecretVersion.State.CURRENT)
    found = versions.select_related("key").first()
    if found is None:
        raise TargetRefused(f"No managed key {key_id!r} has a current value.")
    allowed = terms(found.key, address)
    return BoundSecret(decrypt(found.key, found), allowed, found.detail)


def decrypt(key: ManagedSecret, version: SecretVersion) -> str:
    """The value; empty if only a digest is stored, or nothing."""
    sealed = version.ciphertext
    return unseal(sealed, version.encryption_context(key)) if sealed else ""
