"""Repeat erasures after a restore: the restored state may be older than they are."""

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from aethercrown.backup.hooks import BackupHook
from aethercrown.formatting import counted
from revenue.customers import erasure_list
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.erasure_list import ErasedCustomer
from revenue.customers.models import Customer
from revenue.customers.services.customers import InvalidEntry, erase

FILE = "erasures.jsonl"


def list_path() -> Path:
    """The file in the data folder, which a restore does not touch."""
    return Path(settings.DATA_DIR) / FILE


def keep_list() -> int:
    """Add every erased customer that the file lacks; how many."""
    return erasure_list.add(list_path(), erased_customers())


def erased_customers() -> list[ErasedCustomer]:
    rows = Customer.objects.filter(erased_at__isnull=False).order_by("pk")
    return [ErasedCustomer(row.pk, row.created_at.isoformat()) for row in rows]


def repeat(erased: Iterable[ErasedCustomer], now: datetime) -> list[str]:
    """Erase those customers whom the restored rows name again; notes for a person."""
    again, notes = 0, []
    for each in erased:
        row = Customer.objects.filter(pk=each.customer, erased_at=None).first()
        if row is None or row.created_at.isoformat() != each.created_at:
            continue
        try:
            erase(row.merged_into_id or row.pk, now=now)
            again += 1
        except InvalidEntry as error:
            notes.append(f"Customer {row.pk} was erased since and is here again: {error}")
    return [*([f"{counted(again, 'erasure')} repeated."] if again else []), *notes]


def finalize(now: datetime, _needs: Any) -> list[str]:
    """After a restore: repeat the erasures of the file."""
    return repeat(erasure_list.read(list_path()), now)


def snapshot() -> list[list[Any]]:
    """Before it: the erasures of the rows that are replaced, also of another machine."""
    return [list(each) for each in erased_customers()]


def compare(before: list[list[Any]]) -> list[str]:
    """After it: repeat those, too, and keep all in the file."""
    notes = repeat([ErasedCustomer(*each) for each in before], timezone.now())
    keep_list()
    return notes


def nothing(_customer_ids: Collection[int]) -> dict[str, Any]:
    """The list holds numbers and times only."""
    return {}


def keep_after_commit(_customer_ids: Collection[int]) -> None:
    transaction.on_commit(keep_list, robust=True)


CUSTOMER_HOOK = CustomerDataHook("erasures", nothing, keep_after_commit)
BACKUP_HOOK = BackupHook("erasures", finalize=finalize, snapshot=snapshot, compare=compare)
