"""Admin screens for CSV import and export: check a file, preview it, then store it.

They use the importers and exporters of the commands. Between the two steps the compressed file is a
hidden field of the page, so that any web process can take the second step.
"""

import base64
import binascii
import gzip
import io
import logging
import zlib
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from aethercrown.admin_actions import button, list_url
from aethercrown.api import computations
from aethercrown.csv import export, importing
from aethercrown.csv import reader as sheets
from aethercrown.csv.importing import Importer, ImportOptions, ImportReport
from aethercrown.currencies import CODES

LARGEST_FILE = 5 * 1024 * 1024
MAX_LIGHT_FILE = 100_000  # bytes; a longer one counts against the budget of heavy work
LARGEST_PACKED = 1_500_000  # fits into a posted form
HELP = "One a line: spend=ad_*. Not needed for columns with the fields' own names."

log = logging.getLogger(__name__)


class FileTooLong(ValueError):
    """The file is too large for the page; the message states the limit and the alternative."""


class OptionsForm(forms.Form):
    """The kind of file and how to read it."""

    kind = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    columns = forms.CharField(
        required=False,
        max_length=5000,
        help_text=HELP,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    currency = forms.CharField(max_length=3, widget=UnfoldAdminTextInputWidget())
    update = forms.BooleanField(
        required=False, label="Replace rows stored already", widget=UnfoldBooleanSwitchWidget()
    )

    def __init__(self, kinds: tuple[str, ...], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        titles = [(kind, importing.named(kind).title) for kind in kinds]
        self.fields["kind"].choices = titles  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["currency"].initial = settings.DEFAULT_CURRENCY

    def clean_columns(self) -> dict[str, list[str]]:
        lines = self.cleaned_data["columns"].splitlines()
        try:
            return sheets.mapping([line for line in lines if line.strip()])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"])
        if code not in CODES:
            raise forms.ValidationError(f"{code} is not an ISO 4217 code such as USD.")
        return code


class FileForm(OptionsForm):
    """The first step: a file to check."""

    file = forms.FileField(widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}))
    field_order = ["kind", "file"]

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        try:
            content: bytes = file.read(LARGEST_FILE + 1)
            packed(content)
        except FileTooLong as error:
            raise forms.ValidationError(str(error)) from error
        return content


class PackedForm(OptionsForm):
    """The second step: the same file, compressed."""

    file = forms.CharField(widget=forms.HiddenInput())

    def clean_file(self) -> bytes:
        try:
            return unpacked(self.cleaned_data["file"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def packed(content: bytes) -> str:
    """The file compressed for a form field. Raises FileTooLong."""
    advice = "use manage.py import_data"
    if len(content) > LARGEST_FILE:
        raise FileTooLong(f"The file has more than {LARGEST_FILE:,} bytes: {advice}.")
    text = base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")
    if len(text) > LARGEST_PACKED:
        raise FileTooLong(
            f"Packed, the file has {len(text):,} bytes, above {LARGEST_PACKED:,}: {advice}."
        )
    return text


def unpacked(text: str) -> bytes:
    """The file, decompressed. Raises ValueError if it is damaged or too long."""
    try:
        reader = zlib.decompressobj(wbits=31)
        content = reader.decompress(base64.b64decode(text, validate=True), LARGEST_FILE + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("The file is incomplete; choose it again.") from error
    if len(content) > LARGEST_FILE:
        raise FileTooLong(f"The file has more than {LARGEST_FILE:,} bytes.")
    return content


class CSVAdmin(ModelAdmin):
    """An admin list that imports `import_kinds` and exports `export_kind`; no button for none."""

    import_kinds: tuple[str, ...] = ()
    export_kind = ""
    actions_list = ["import_csv", "export_csv"]

    def has_import_permission(self, request: HttpRequest) -> bool:
        may_write = self.has_add_permission(request) and self.has_change_permission(request)
        return bool(self.import_kinds and may_write)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.export_kind and self.has_view_permission(request))

    @button("Export CSV", "export-csv", "export")
    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        exporter = export.named(self.export_kind)
        export.note("rows", self.export_kind)
        rows = computations.held_while_read(request, exporter.rows())
        return export.csv_response(self.export_kind, exporter.header, rows)

    @button("Import CSV", "import-csv", "import")
    def import_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Choose a file, preview it, store it."""
        if request.method != "POST":
            return self._shown(request, FileForm(self.import_kinds), None)
        if request.POST.get("step") == "store":
            return self._store(request)
        return self._check(request)

    def _check(self, request: HttpRequest) -> HttpResponse:
        form = FileForm(self.import_kinds, request.POST, request.FILES)
        if not form.is_valid():
            return self._shown(request, form, None)
        content = form.cleaned_data["file"]
        report = self._load(request, form, content, dry_run=True)
        return self._shown(request, form, report, packed(content))

    def _store(self, request: HttpRequest) -> HttpResponse:
        form = PackedForm(self.import_kinds, request.POST)
        if not form.is_valid():
            return self._shown(
                request, FileForm(self.import_kinds), None, error=form.errors.as_text()
            )
        report = self._load(request, form, form.cleaned_data["file"], dry_run=False)
        if not report.stored:
            return self._shown(request, FileForm(self.import_kinds), report)
        log.info("CSV imported", extra={"kind": report.kind, "rows": report.rows})
        self.message_user(
            request,
            f"{report.rows} rows read: {report.created} records stored, {report.updated} replaced.",
            messages.SUCCESS,
        )
        return redirect(list_url(self))

    def _load(
        self, request: HttpRequest, form: OptionsForm, content: bytes, *, dry_run: bool
    ) -> ImportReport:
        chosen = form.cleaned_data
        with computations.page_computation(request, is_heavy=len(content) > MAX_LIGHT_FILE):
            return importing.load(
                importing.named(chosen["kind"]),
                io.BytesIO(content),
                chosen["columns"],
                ImportOptions(chosen["currency"], chosen["update"]),
                dry_run=dry_run,
            )

    def _shown(
        self,
        request: HttpRequest,
        form: FileForm,
        report: ImportReport | None,
        content: str = "",
        error: str = "",
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Import CSV",
            "opts": self.opts,
            "form": form,
            "error": error,
            "report": report,
            "content": content,
            "kinds": [described(importing.named(kind)) for kind in self.import_kinds],
            "back": list_url(self),
        }
        return TemplateResponse(request, "admin/import.html", context)


def described(importer: Importer) -> tuple[str, str]:
    """A kind's title and its columns, in words."""
    columns = (
        each.name + ("_*" if each.many else "") + ("" if each.required else " (optional)")
        for each in importer.columns
    )
    return importer.title, ", ".join(columns)
