"""After a restore: links of contacts that were ended since the back-up do not open again."""

from collections.abc import Iterable, Mapping
from typing import Any

from aethercrown.backup.hooks import BackupHook
from aethercrown.formatting import counted
from enterprise.onboarding.models import OnboardingContact


def snapshot() -> dict[str, int]:
    """Which link of each contact is the one that works."""
    return {str(pk): number for pk, number in generations(OnboardingContact.objects.all())}


def generations(rows: Any) -> Iterable[tuple[int, int]]:
    found: Iterable[tuple[int, int]] = rows.order_by("pk").values_list("pk", "link_generation")
    return found


def compare(before: Mapping[str, int]) -> list[str]:
    """End the links that were ended since; the contacts' present ones work on."""
    ended = 0
    for pk, restored in list(generations(OnboardingContact.objects.all())):
        known = before.get(str(pk), restored)
        if known > restored:
            ended += OnboardingContact.objects.filter(pk=pk).update(link_generation=known)
    return [f"{counted(ended, 'link')} of contacts, ended since, ended again."] if ended else []


BACKUP_HOOK = BackupHook("onboarding", snapshot=snapshot, compare=compare)
