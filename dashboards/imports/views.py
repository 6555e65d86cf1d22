"""The pages of imports: upload and list; one import with its form, preview, progress and undo."""

from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.api.computations import page_computation
from aethercrown.csv.export import csv_lines
from aethercrown.csv.reader import CSVColumn
from aethercrown.formatting import COUNT
from aethercrown.history.attribution import actor_of
from aethercrown.page_parts import EmptyState, JobProgress, UndoNotice
from aethercrown.registry import UnknownName
from aethercrown.tabular.presets import presets
from dashboards import page_context
from dashboards.access import holds, opened_by
from dashboards.imports.form import choices_form, posted_choices
from dashboards.listing import ListField, Listing
from dashboards.tables import Column
from operations.imports import reports, services
from operations.imports.registry import import_targets
from operations.imports.reports import DataImport
from operations.jobs import reports as jobs
from operations.jobs.caller import caller_of
from operations.jobs.services import JobLimitReached

READ, WRITE = "operations.view_dataimport", "operations.add_dataimport"
IMPORTS = page_context.Breadcrumb("Imports", "/dashboards/imports")
DEFAULT_KIND = "budget-performance"
MAX_LIGHT_FILE = 20_000  # compressed bytes; a longer one counts against the budget of heavy work
State = DataImport.State


@opened_by(READ, posts=WRITE)
def imports(request: HttpRequest) -> HttpResponseBase:
    """Upload a file; every import so far; with ?sample= a file to fill in."""
    if kind := request.GET.get("sample"):
        return _sample(kind)
    problems: list[str] = []
    if request.method == "POST":
        problems, draft = _upload(request)
        if draft:
            return redirect("import", pk=draft.pk)
    fields = (
        ListField("file_name", Column("File"), search=True),
        ListField("kind", Column("Kind"), filter=True, choices=import_targets.names()),
        ListField("state", Column("State", badge=True), filter=True, choices=State.values),
        ListField("records", Column("Records", COUNT)),
        ListField("created_by", Column("By")),
        ListField("created_at", Column("Uploaded")),
    )
    listing = Listing(
        "imports", "Imports so far", fields, reports.imports(), request.GET.dict(),
        order="-created_at", path="/dashboards/imports/{pk}", noun="import",
    )  # fmt: skip
    chosen = request.GET.get("kind", DEFAULT_KIND)
    return page_context.render_page(
        request,
        "imports",
        "Imports",
        [listing],
        listing=listing,
        problems=problems,
        may_import=holds(request, WRITE),
        targets=list(import_targets),
        presets=[each.title for each in presets],
        chosen=chosen,
        empty=EmptyState(
            "No file was imported yet",
            "Choose a file above, or import one with this command:",
            command=f"./manage.py import_data {DEFAULT_KIND} FILE --dry-run",
        ),
    )


def _upload(request: HttpRequest) -> tuple[list[str], DataImport | None]:
    """Keep the posted file; what is wrong with it otherwise."""
    file = request.FILES.get("file")
    if file is None or file.file is None:
        return ["Choose a file."], None
    try:
        draft = services.create_draft(
            request.POST.get("kind", ""),
            file.name or "",
            cast("BinaryIO", file.file),
            actor=actor_of(request),
            now=timezone.now(),
        )
    except (services.FileTooLarge, UnknownName) as error:
        return [str(error)], None
    return [], draft


@opened_by(READ, posts=WRITE)
def import_page(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One import, by its state."""
    record = reports.find(pk)
    if record is None:
        raise Http404(f"There is no import {pk}.")
    if request.method == "POST":
        return _act(request, record)
    progress = _progress(record)
    storing = record.state == State.STORING and progress and not progress.is_over
    if record.content is not None and not storing:
        return _draft_page(request, record)
    return _rendered(request, record)


def _draft_page(request: HttpRequest, record: DataImport) -> HttpResponseBase:
    is_heavy = len(record.content or b"") > MAX_LIGHT_FILE
    with (
        page_computation(request, is_heavy=is_heavy),
        services.check_draft(record, timezone.now()) as found,
    ):
        form = None
        if found.layout:
            titles = {each.name: each.title for each in presets if each.kind == record.kind}
            columns = found.target.columns
            form = choices_form(found.layout, columns, titles, record.choices)
        return _rendered(request, record, found=found, form=form, same=reports.same_file(record))


def _rendered(request: HttpRequest, record: DataImport, **context: Any) -> HttpResponseBase:
    target = import_targets.get(record.kind)
    address = reverse("import", args=[record.pk])
    undo = None
    if record.state == State.CURRENT and target.undo and holds(request, WRITE):
        undo = UndoNotice("What this import stored is in force.", address, None, "Undo this import")
    return page_context.render_page(
        request,
        "import",
        f"Import {record.pk}",
        [],
        [IMPORTS],
        record=record,
        target=target,
        may_import=holds(request, WRITE),
        progress=_progress(record),
        undo=undo,
        **context,
    )


def _progress(record: DataImport) -> JobProgress | None:
    """The job that stores it; None for other states."""
    job = jobs.find(record.job_id) if record.state == State.STORING and record.job_id else None
    if job is None:
        return None
    address = reverse("import", args=[record.pk])
    return JobProgress(
        "import-job", "Storing", job.state, job.done, job.total, address, job.note,
        is_over=not job.is_open,
    )  # fmt: skip


def _act(request: HttpRequest, record: DataImport) -> HttpResponse:
    """What a posted form asks for: read the file by other choices, store it, or undo it."""
    actor, now = actor_of(request), timezone.now()
    try:
        if "store" in request.POST:
            services.start(record.pk, caller=caller_of(request), now=now)
        elif "check" in request.POST:
            services.choose(record, _posted(request, record))
        elif "undo" in request.POST:
            services.undo(record.pk, actor=actor, now=now)
            messages.success(request, "The import is undone; what it had replaced is in force.")
        else:
            messages.error(request, "Choose to check, store or undo the import.")
    except (services.NotStorable, services.InvalidChoices, JobLimitReached) as error:
        messages.error(request, str(error))
    return redirect("import", pk=record.pk)


def _posted(request: HttpRequest, record: DataImport) -> dict[str, Any]:
    columns: tuple[CSVColumn, ...] = import_targets.get(record.kind).columns
    before = request.POST.get("preset_before", "none")
    return posted_choices(request.POST.dict(), columns, before)


def _sample(kind: str) -> HttpResponseBase:
    """A small file of a kind, to fill in."""
    try:
        target = import_targets.get(kind)
    except UnknownName as error:
        raise Http404(str(error)) from error
    header, *rows = target.sample
    response = HttpResponse("".join(csv_lines(header, rows)), "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return response
