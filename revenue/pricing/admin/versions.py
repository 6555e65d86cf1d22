"""Plans, price books and their versions: edit drafts, publish and retire."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.history.attribution import actor_of
from aethercrown.transitions import InvalidTransition
from revenue.pricing import models, reports, services
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.forms import charge_form, preview_text
from revenue.pricing.models import PlanCharge, PriceBook, PriceBookVersion
from revenue.pricing.price_book import validation
from security.access import reports as people


class ChargeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """A charge in plain fields; its model decides which of them are used."""

    model = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    previews: Mapping[str, str] = {}  # quantities to preview, by the charge's key

    class Meta:
        model = PlanCharge
        fields = ["plan", "position", "metric", "title", "model"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        row = self.instance
        names = sorted({*charge_form.MODEL_NAMES, *([row.model] if row.model else [])})
        self.fields["model"].choices = [(each, each) for each in names]  # type: ignore[attr-defined]  # a ChoiceField
        stored = charge_form.fields_from_price(row.model, row.price) if row.pk else {}
        for name in charge_form.NAMES:
            self.fields[name].initial = stored.get(name)
        self.fields[USE_FIELD].initial = entered = self.previews.get(
            f"{preview_text.USE_PREFIX}{row.pk}", ""
        )
        if row.pk:
            words = preview_text.preview(row.model, row.price, entered, row.version.book.currency)
            self.fields[USE_FIELD].help_text = words

    def has_changed(self) -> bool:
        """The quantity to preview is not part of the charge."""
        return bool(set(self.changed_data) - {USE_FIELD})

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("model"):
            price, problems = charge_form.price_from_fields(cleaned["model"], cleaned)
            problems += validation.validate_charge(cleaned["model"], price, "price")
            for name, message in charge_form.problems_by_field(problems):
                self.add_error(name, message)
            self.instance.price = price
        return cleaned


def charge_field(name: str) -> forms.CharField:
    """The field of one part of a price; it is text, so that numbers stay exact."""
    is_tiers = name == charge_form.TIERS
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4}) if is_tiers else None
    return forms.CharField(
        required=False,
        help_text=charge_form.HELP_TEXTS[name],
        widget=widget or UnfoldAdminTextInputWidget(),
        strip=not is_tiers,  # the last line begins with a comma and a space
    )


USE_FIELD = "use"
ChargeForm.declared_fields.update({name: charge_field(name) for name in charge_form.NAMES})
ChargeForm.declared_fields[USE_FIELD] = forms.CharField(
    required=False,
    max_length=30,
    label="Preview for a use of",
    help_text="Save and work out shows what it costs. Per event: amount / events, 1000 / 20.",
    widget=UnfoldAdminTextInputWidget(),
)


class EditableWhileDraft:
    """Inline rows of a version, editable while it is a draft."""

    def _may(self, request: HttpRequest, obj: PriceBookVersion | None = None) -> bool:
        is_draft = obj is None or obj.is_draft
        return is_draft and bool(request.user.has_perm("revenue.change_pricebookversion"))

    has_add_permission = has_change_permission = has_delete_permission = _may


class PlanPriceInline(EditableWhileDraft, TabularInline):
    model = models.PlanPrice
    extra = 0


class FactorInline(EditableWhileDraft, TabularInline):
    model = models.PriceFactor
    extra = 0


class RuleInline(EditableWhileDraft, TabularInline):
    model = models.PlanRule
    extra = 0


class ChargeInline(EditableWhileDraft, StackedInline):
    model = models.PlanCharge
    form = ChargeForm
    extra = 0
    fieldsets = [
        (None, {"fields": [("plan", "position"), ("metric", "title"), "model"]}),
        ("Price", {"fields": charge_form.LAYOUT}),
        ("What it costs", {"fields": [USE_FIELD]}),
    ]

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        found = super().get_formset(request, obj, **options)
        found.form = type("PreviewForm", (found.form,), {"previews": request.GET.dict()})
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Published versions show the stored price as text."""
        return [] if self._may(request, obj) else ["stored_price"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._may(request, obj):
            return self.fieldsets
        return [
            (None, {"fields": [("plan", "position"), ("metric", "title"), "model", "stored_price"]})
        ]

    @admin.display(description="price")
    def stored_price(self, charge: models.PlanCharge) -> str:
        fields = charge_form.fields_from_price(charge.model, charge.price)
        rows = ((name.replace("_", " "), value) for name, value in fields.items())
        return format_html_join("", "<div>{}: {}</div>", rows)


PREVIEW_BUTTON: Callable[[Any], Any] = action(
    description="Save and work out", permissions=["edit"], url_path="preview"
)
PREVIEW_NAME = "revenue_pricebookversion_preview"  # of the button, as the theme posts it
CONFIRMATIONS = {
    "Publish": "A published version can never be changed. It applies from its first day.",
    "Retire": "A retired version prices nothing new. Existing quotes stay as they are.",
}


class EntitlementInline(TabularInline):
    model = models.PlanEntitlement
    extra = 0


@admin.register(models.PricingPlan)
class PricingPlanAdmin(ModelAdmin):
    list_display = ["name", "code", "rank", "is_active"]
    list_editable = ["rank", "is_active"]
    search_fields = ["name", "code"]
    inlines = [EntitlementInline]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        return ["code"] if obj else []


@admin.register(PriceBook)
class PriceBookAdmin(ModelAdmin):
    list_display = ["title", "code", "currency"]
    search_fields = ["title", "code"]
    actions = ["draft"]

    def get_readonly_fields(self, request: HttpRequest, obj: PriceBook | None = None) -> list[str]:
        return ["code", "currency"] if obj else []

    @admin.action(description="Create a draft from the newest version", permissions=["change"])
    def draft(self, request: HttpRequest, books: QuerySet[PriceBook]) -> None:
        now = timezone.now()
        for book in books:
            created = services.draft(book.code, effective_from=now.date(), now=now)
            self.log_change(request, book, f"Drafted version {created.number}.")
            message = format_html('Drafted <a href="{}">{}</a>.', change_url(created), created)
            self.message_user(request, message, messages.SUCCESS)


@admin.register(PriceBookVersion)
class PriceBookVersionAdmin(ModelAdmin):
    list_display = ["__str__", "state", "effective_from", "published_at", "published_by"]
    list_filter = ["state", "book"]
    list_select_related = ["book"]
    inlines = [PlanPriceInline, FactorInline, RuleInline, ChargeInline]
    actions = ["publish", "retire"]
    actions_detail = ["publish_one", "retire_one"]
    actions_submit_line = ["preview"]
    readonly_fields = [
        *("book", "number", "state", "published_at", "published_by", "retired_at", "digest"),
        *("findings", "simulation"),
    ]
    fieldsets = [
        (None, {"fields": ["book", "number", "state", "effective_from", "notes"]}),
        ("Guardrails", {"fields": ["largest_discount", "largest_change"]}),
        ("Before publishing", {"fields": ["findings", "simulation"]}),
        ("Publication", {"fields": ["published_at", "published_by", "retired_at", "digest"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # drafts are created from the book

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or obj.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may: bool = super().has_delete_permission(request, obj)
        return may and obj is not None and obj.is_draft

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Where the theme saves a form it names no row: that it may change was asked before."""
        if object_id is None:
            return self.has_change_permission(request)
        version = self.get_object(request, str(object_id))
        return version is not None and self.has_change_permission(request, version)

    def has_publish_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="problems and price cliffs")
    def findings(self, version: PriceBookVersion) -> str:
        found = ((each,) for each in reports.findings(version.pk))
        return format_html_join("", "<div>{}</div>", found) or "none"

    @admin.display(description="effect on customers")
    def simulation(self, version: PriceBookVersion) -> str:
        path = f"/dashboards/pricing/versions/{version.pk}"
        shown = format_html('<a href="{}">What it changes, and who would pay more</a>', path)
        if not version.is_draft:
            return shown
        return format_html('{} · <a href="{}/edit">Edit in a form</a>', shown, path)

    @PREVIEW_BUTTON
    def preview(self, request: HttpRequest, version: PriceBookVersion) -> None:
        """Save the draft and show what each charge costs for the quantity entered beside it."""

    def response_change(self, request: HttpRequest, version: PriceBookVersion) -> HttpResponse:
        if PREVIEW_NAME not in request.POST:
            found: HttpResponse = super().response_change(request, version)
            return found
        quantities = preview_text.preview_parameters(request.POST.dict(), USE_FIELD)
        return redirect(f"{request.path}?{urlencode(quantities)}#charges-group")

    @button("Publish", "publish", "publish")
    def publish_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, "Publish", self.publish)

    @button("Retire", "retire", "publish")
    def retire_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, "Retire", self.retire)

    def _confirm(
        self, request: HttpRequest, object_id: str, verb: str, act: Callable[..., None]
    ) -> HttpResponse:
        """Show a page that asks for confirmation and lists the findings of a draft; then act."""
        version = get_object_or_404(PriceBookVersion, pk=object_id)
        if request.method == "POST":
            act(request, PriceBookVersion.objects.filter(pk=version.pk))
            return redirect(change_url(version))
        found = "; ".join(reports.findings(version.pk)) if version.is_draft else ""
        question = f"{CONFIRMATIONS[verb]} {found and f'Findings: {found}'}"
        title = f"{verb} {version}"
        return confirmation_page(self, request, version, question, verb, title=title)

    @admin.action(description="Publish (cannot be changed afterwards)", permissions=["publish"])
    def publish(self, request: HttpRequest, versions: QuerySet[PriceBookVersion]) -> None:
        service = partial(services.publish, actor=actor_of(request))
        self._change_each(request, versions, "Published", service)

    @admin.action(description="Retire (prices nothing new)", permissions=["publish"])
    def retire(self, request: HttpRequest, versions: QuerySet[PriceBookVersion]) -> None:
        self._change_each(request, versions, "Retired", services.retire)

    def _change_each(
        self,
        request: HttpRequest,
        versions: QuerySet[PriceBookVersion],
        done: str,
        service: Callable[..., object],
    ) -> None:
        for version in versions.order_by("pk"):
            try:
                service(version.pk, now=timezone.now())
            except (InvalidValues, InvalidTransition) as error:
                self.message_user(request, f"{version}: {error}", messages.ERROR)
            else:
                self.log_change(request, version, f"{done}.")
                self.message_user(request, f"{done} {version}.", messages.SUCCESS)
