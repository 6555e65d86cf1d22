"""The pages of imports: upload and list; one import with its form, preview, progress and undo."""

from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

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
from operations.decisions.digest import digest
from operations.imports import reports, services
from operations.imports.registry import import_targets
from operations.imports.reports import DataImport
from operations.jobs import reports as jobs
from operations.jobs.caller import caller_of
from operations.jobs.reports import Job
from operations.jobs.services import JobLimitReached

READ, WRITE = "operations.view_dataimport", "operations.add_dataimport"
IMPORTS = page_context.Breadcrumb("Imports", "/dashboards/imports")
DEFAULT_KIND = "budget-performance"
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
    _check_long(request, draft)
    return [], draft


def _check_long(request: HttpRequest, draft: DataImport) -> None:
    """Let a worker check a long file; a short one is checked by its page."""
    if not services.is_long(draft):
        return
    try:
        services.start_check(draft, caller=caller_of(request), now=timezone.now())
    except JobLimitReached as error:
        messages.error(request, str(error))


@opened_by(READ, posts=WRITE)
def import_page(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One import, by its state."""
    record = reports.find(pk)
    if record is None:
        raise Http404(f"There is no import {pk}.")
    if request.method == "POST":
        return _act(request, record)
    progress = _storing(record)
    if record.content is not None and not (progress and not progress.is_over):
        return _draft_page(request, record, progress)
    return _rendered(request, record, progress)


def _draft_page(
    request: HttpRequest, record: DataImport, progress: JobProgress | None
) -> HttpResponseBase:
    """What a file holds, as its page found it, or a worker if it is long."""
    job, is_long = None, services.is_long(record)
    if is_long:
        job = services.check_of(record)
        found = services.outcome_of(job)
        progress = _job_progress(record, job, "Checking") if job and not found else progress
    else:
        with services.check_draft(record, timezone.now()) as checked:
            found = checked.outcome
    form = None
    if found and found.layout:
        titles = {each.name: each.title for each in presets if each.kind == record.kind}
        columns = import_targets.get(record.kind).columns
        form = choices_form(found.layout, columns, titles, record.choices)
    return _rendered(
        request, record, progress, found=found, form=form, same=reports.same_file(record),
        check=job, is_long=is_long,
    )  # fmt: skip


def _rendered(
    request: HttpRequest, record: DataImport, progress: JobProgress | None, **context: Any
) -> HttpResponseBase:
    target = import_targets.get(record.kind)
    address = reverse("import", args=[record.pk])
    undo = None
    may_undo = record.state == State.CURRENT and target.undo and holds(request, WRITE)
    if may_undo and "undoing" not in context:
        text = "What this import stored is in force."
        undo = UndoNotice(text, address, verb="Undo this import…", value="look")
    answer = page_context.render_page(
        request,
        "import",
        f"Import {record.pk}",
        [],
        [IMPORTS],
        record=record,
        target=target,
        may_import=holds(request, WRITE),
        progress=progress,
        undo=undo,
        **context,
    )
    if "HX-Request" in request.headers and (progress is None or progress.is_over):
        answer["HX-Refresh"] = "true"  # what asked how far the job is shows the whole page now
    return answer


def _storing(record: DataImport) -> JobProgress | None:
    """The job that stores it; None for other states."""
    job = jobs.find(record.job_id) if record.state == State.STORING and record.job_id else None
    return _job_progress(record, job, "Storing") if job else None


def _job_progress(record: DataImport, job: Job, title: str) -> JobProgress:
    address = reverse("import", args=[record.pk])
    return JobProgress(
        "import-job", title, job.state, job.done, job.total, address, job.note,
        is_over=not job.is_open,
    )  # fmt: skip


def _act(request: HttpRequest, record: DataImport) -> HttpResponseBase:
    """What a posted form asks for: read the file by other choices, store it, or undo it."""
    actor, now = actor_of(request), timezone.now()
    try:
        if "store" in request.POST:
            services.start(record.pk, caller=caller_of(request), now=now)
        elif "check" in request.POST:
            services.choose(record, _posted(request, record))
            _check_long(request, record)
        elif "recheck" in request.POST:
            _check_long(request, record)
        elif "undo" in request.POST:
            said = services.preview_undo(record.pk, now)
            if request.POST.get("shown") != digest({"said": said}):
                shown = digest({"said": said})
                return _rendered(request, record, None, undoing=said, shown=shown)
            services.undo(record.pk, actor=actor, now=now, shown=said)
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
