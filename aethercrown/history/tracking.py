"""History of what staff edit: each change is a row with the values, actor, address and reason.

A model is tracked by `history = Records(excluded_fields=[...])`. Secrets, their digests and what
changes many times a day are excluded. Uses django-simple-history, which sees saves and deletions;
other writes must use its bulk helpers, which a test checks.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Max
from django.dispatch import Signal
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from aethercrown.history.attribution import MAX_LENGTH, acting, current_actor

AS_IT_WAS = "As it was before its history began"
ERASED_ROWS = 500  # in one statement
history_stored = Signal()  # sends `rows` of one history, stored in bulk
history_erased = Signal()  # sends the primary keys of `rows` of one history whose values went
_silent: ContextVar[bool] = ContextVar("silent", default=False)


def here() -> str:
    """The current actor's address."""
    return current_actor().address


class IndexedHistory(models.Model):
    """The columns of a history row beside the library's own."""

    history_address = models.CharField(max_length=64, blank=True, default=here)

    class Meta:
        abstract = True


class HistoryRows(HistoryManager):  # type: ignore[misc]  # the library has no types
    """Sends a signal of bulk-created rows too."""

    def bulk_history_create(self, objs: Any, *args: Any, **options: Any) -> list[Any]:
        options["default_change_reason"] = (
            options.get("default_change_reason") or current_actor().reason
        )
        made = list(super().bulk_history_create(objs, *args, **options) or [])
        history_stored.send(sender=self.model, rows=made)
        return made


class TrackedHistory(HistoricalRecords):  # type: ignore[misc]  # the library has no types
    """The history of one table: a row for each save that changed a tracked field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            bases=(IndexedHistory,),
            history_user_id_field=models.CharField(max_length=MAX_LENGTH, blank=True, default=""),
            history_user_getter=lambda row: row.history_user_id,
            history_user_setter=_set_history_user,
            history_change_reason_field=models.CharField(max_length=MAX_LENGTH, null=True),
            history_manager=HistoryRows,
            **options,
        )

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """No permissions of its own: who may see the row may see its history."""
        return {**super().get_meta_options(model), "default_permissions": ()}

    def get_meta_options_m2m(self, through_model: type[models.Model]) -> dict[str, Any]:
        return {**super().get_meta_options_m2m(through_model), "default_permissions": ()}

    def get_history_user(self, instance: Any) -> str:
        return current_actor().actor

    def get_change_reason_for_object(
        self, instance: Any, history_type: str, using: str | None
    ) -> str | None:
        given = super().get_change_reason_for_object(instance, history_type, using)
        return given or current_actor().reason or None

    def finalize(self, sender: Any, **more: Any) -> None:
        super().finalize(sender, **more)
        if sender is self.cls:
            models.signals.pre_save.connect(self.pre_save, sender=sender, weak=False)

    def pre_save(self, instance: Any, update_fields: Any = None, **_more: Any) -> None:
        """For a row older than its history, store its previous values first."""
        is_hot = update_fields is not None and set(update_fields) <= set(self.excluded_fields)
        if not (_silent.get() or instance._state.adding or is_hot):  # noqa: SLF001 - documented
            self._begin(instance)

    def _begin(self, instance: Any) -> None:
        if getattr(instance, self.manager_name).exists():
            return
        stored = self.cls._default_manager.filter(pk=instance.pk).first()  # noqa: SLF001 - documented
        if stored is not None:
            with acting("", AS_IT_WAS):
                self.create_historical_record(stored, "+")

    def post_save(self, instance: Any, created: bool, using: Any = None, **more: Any) -> None:  # noqa: FBT001 - the library's
        fields = more.get("update_fields")
        excluded = set(self.excluded_fields)
        if _silent.get() or (fields is not None and set(fields) <= excluded):
            return
        if not created and self._is_known(instance):
            return
        super().post_save(instance, created, using=using, **more)

    def post_delete(self, instance: Any, using: Any = None, **more: Any) -> None:
        if not _silent.get():
            super().post_delete(instance, using=using, **more)

    def m2m_changed(
        self,
        instance: Any,
        action: str,
        attr: str,
        pk_set: Any,
        reverse: bool,  # noqa: FBT001 - the library's
        **more: Any,
    ) -> None:
        """A change from the other side of the relation is a change of each row on this side."""
        if _silent.get():
            return
        if not reverse and action.startswith("pre_"):
            self._begin(instance)
        elif not reverse:
            super().m2m_changed(instance, action, attr, pk_set, reverse, **more)
        elif action == "pre_clear":
            mine = self.cls._default_manager.filter(**{attr: instance})  # noqa: SLF001 - documented
            instance._cleared = list(mine.values_list("pk", flat=True))  # noqa: SLF001 - until post_clear
        elif action in {"post_add", "post_remove", "post_clear"}:
            keys = pk_set or getattr(instance, "_cleared", ())
            for mine in self.cls._default_manager.filter(pk__in=keys):  # noqa: SLF001 - documented
                self.create_historical_record(mine, "~")

    def _is_known(self, instance: Any) -> bool:
        """Whether the newest history row equals the row."""
        return same(getattr(instance, self.manager_name).first(), instance)


def begin(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Store the values of rows that are older than their history, before they change in bulk."""
    given = [] if _silent.get() else list(rows)
    if not given:
        return
    history = _history_of(model)
    keys = [each.pk for each in given]
    known = set(history.filter(id__in=keys).values_list("id", flat=True))
    with acting("", AS_IT_WAS):
        history.bulk_history_create([each for each in given if each.pk not in known])


def erase(model: type[models.Model], keys: Iterable[int], **values: Any) -> int:
    """Replace values in all history of these rows, for good; returns of how many history rows.

    For what identifies a person. The audit records the digests anew, so that this is no fault.
    """
    history = _history_of(model)
    found = list(history.filter(id__in=list(keys)).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(found), ERASED_ROWS):
        rows = found[start : start + ERASED_ROWS]
        history.filter(pk__in=rows).update(**values)
        history_erased.send(sender=history.model, rows=rows)
    return len(found)


def keep(model: type[models.Model], rows: Iterable[models.Model]) -> int:
    """Store history of rows written in bulk, if they changed; returns how many. Two queries."""
    given = [] if _silent.get() else list(rows)
    if not given:
        return 0
    history = _history_of(model)
    newest = history.filter(pk__in=history.values("id").annotate(m=Max("pk")).values("m"))
    last = {row.id: row for row in newest.filter(id__in=[each.pk for each in given])}
    changed = [each for each in given if not same(last.get(each.pk), each)]
    for is_new in (True, False):
        history.bulk_history_create(
            [each for each in changed if (each.pk not in last) == is_new], update=not is_new
        )
    return len(changed)


def _history_of(model: type[models.Model]) -> Any:
    """The manager of a model's history."""
    manager = model._meta.simple_history_manager_attribute  # type: ignore[attr-defined]  # noqa: SLF001 - documented
    return getattr(model, manager)


def same(last: Any, instance: Any) -> bool:
    """Whether a history row equals `instance`."""
    if last is None or last.history_type == "-":
        return False
    names = [field.attname for field in last.tracked_fields]
    return all(getattr(last, name) == getattr(instance, name) for name in names)


@contextmanager
def silent() -> Iterator[None]:
    """Store no history in the block."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def is_silent() -> bool:
    """Whether no history is stored now, because the code itself lists what is written."""
    return _silent.get()


def tracked() -> dict[type[models.Model], type[models.Model]]:
    """Every tracked model with its history model."""
    return {
        model: getattr(model, model._meta.simple_history_manager_attribute).model  # noqa: SLF001 - documented
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute")  # noqa: SLF001 - documented
    }


def _set_history_user(row: Any, actor: str | None) -> None:
    row.history_user_id = actor or ""
