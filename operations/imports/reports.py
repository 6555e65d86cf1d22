"""Read imports."""

from django.db.models import QuerySet

from operations.imports.models import DataImport


def imports() -> QuerySet[DataImport]:
    """Every import without its file, the newest first."""
    return DataImport.objects.defer("content", "summary", "choices").order_by("-pk")


def find(import_id: int) -> DataImport | None:
    return DataImport.objects.filter(pk=import_id).first()


def same_file(record: DataImport) -> DataImport | None:
    """An import of an equal file that is in force."""
    found = imports().filter(digest=record.digest, kind=record.kind, state=DataImport.State.CURRENT)
    return found.exclude(pk=record.pk).first()


def last_of_source(kind: str, source: str) -> DataImport | None:
    """The last stored import of a file of the same source."""
    rows = DataImport.objects.defer("content", "choices").filter(kind=kind, summary__source=source)
    return rows.exclude(current_at=None).order_by("-current_at", "-pk").first()


def created_names(import_id: int) -> list[str]:
    """What else an import created, such as channels."""
    return list(DataImport.objects.values_list("created_names", flat=True).get(pk=import_id))


def names_being_created(kind: str) -> set[str]:
    """What else the imports that are being stored create."""
    storing = DataImport.objects.filter(state=DataImport.State.STORING, kind=kind)
    return {name for names in storing.values_list("created_names", flat=True) for name in names}
