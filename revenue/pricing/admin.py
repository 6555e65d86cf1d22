"""Price books as staff keep them: drafts edited, versions published and retired, quotes read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from revenue.pricing import reports, services
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.forms import charge_form, preview_text
from revenue.pricing.models import (
    PlanCharge,
    PlanPrice,
    PlanRule,
    PriceBook,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
    Quote,
)
from revenue.pricing.price_book import validation
from security.access import reports as people


class ChargeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """A charge in plain fields: which of them are filled depends on its model."""

    model = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    asked: Mapping[str, str] = {}  # the uses to work out, by the charge's key

    class Meta:
        model = PlanCharge
        fields = ["plan", "position", "metric", "title", "model"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        row = self.instance
        names = sorted({*charge_form.FIELDS_BY_MODEL, *([row.model] if row.model else [])})
        self.fields["model"].choices = [(each, each) for each in names]  # type: ignore[attr-defined]  # a ChoiceField
        held = charge_form.fields_from_price(row.model, row.price) if row.pk else {}
        for name in charge_form.NAMES:
            self.fields[name].initial = held.get(name)
        self.fields[USE_FIELD].initial = told = self.asked.get(
            f"{preview_text.USE_PREFIX}{row.pk}", ""
        )
        if row.pk:
            words = preview_text.preview(row.model, row.price, told, row.version.book.currency)
            self.fields[USE_FIELD].help_text = words

    def has_changed(self) -> bool:
        """Working it out alone changes nothing."""
        return bool(set(self.changed_data) - {USE_FIELD})

    def clean(self) -> dict[str, Any] | None:
        found = super().clean() or {}
        if found.get("model"):
            read = charge_form.price_from_fields(found["model"], found)
            wrong = validation.validate_charge(found["model"], read.price, "price")
            for name, words in charge_form.problems_by_field([*read.problems, *wrong]):
                self.add_error(name, words)
            self.instance.price = read.price
        return found


def charge_field(name: str) -> forms.CharField:
    """The field of one part of a price; text, so that numbers stay exact."""
    is_tiers = name == charge_form.TIERS
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4}) if is_tiers else None
    return forms.CharField(
        required=False,
        help_text=charge_form.HELP_TEXTS[name],
        widget=widget or UnfoldAdminTextInputWidget(),
        strip=not is_tiers,  # an open last line begins with a comma and a space
    )


USE_FIELD = "use"
ChargeForm.declared_fields.update({name: charge_field(name) for name in charge_form.NAMES})
ChargeForm.declared_fields[USE_FIELD] = forms.CharField(
    required=False,
    max_length=30,
    label="Work out for a use of",
    help_text="Save, and see here what it costs.",
    widget=UnfoldAdminTextInputWidget(),
)


class EditableWhileDraft:
    """Rows of a version: edited while that is a draft."""

    def has_add_permission(self, request: HttpRequest, obj: PriceBookVersion | None = None) -> bool:
        return self._may(request, obj)

    def has_change_permission(
        self, request: HttpRequest, obj: PriceBookVersion | None = None
    ) -> bool:
        return self._may(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: PriceBookVersion | None = None
    ) -> bool:
        return self._may(request, obj)

    def _may(self, request: HttpRequest, obj: PriceBookVersion | None) -> bool:
        is_draft = obj is None or obj.is_draft
        return is_draft and bool(request.user.has_perm("revenue.change_pricebookversion"))


class PlanPriceInline(EditableWhileDraft, TabularInline):
    model = PlanPrice
    extra = 0


class FactorInline(EditableWhileDraft, TabularInline):
    model = PriceFactor
    extra = 0


class RuleInline(EditableWhileDraft, TabularInline):
    model = PlanRule
    extra = 0


class ChargeInline(EditableWhileDraft, StackedInline):
    model = PlanCharge
    form = ChargeForm
    extra = 0
    fieldsets = [
        (None, {"fields": [("plan", "position"), ("metric", "title"), "model"]}),
        ("Price, as the model needs it", {"fields": charge_form.LAYOUT}),
        ("What it costs", {"fields": [USE_FIELD]}),
    ]

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        found = super().get_formset(request, obj, **options)
        found.form = type("AskedForm", (found.form,), {"asked": request.GET.dict()})
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of a published version, the price as it is kept."""
        return [] if self._may(request, obj) else ["told"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._may(request, obj):
            return self.fieldsets
        return [(None, {"fields": [("plan", "position"), ("metric", "title"), "model", "told"]})]

    @admin.display(description="price")
    def told(self, charge: PlanCharge) -> str:
        held = charge_form.fields_from_price(charge.model, charge.price)
        rows = ((name.replace("_", " "), value) for name, value in held.items())
        return format_html_join("", "<div>{}: {}</div>", rows)


PageAction = TypeVar("PageAction", bound=Callable[..., Any])


def page_button(words: str, permission: str, path: str) -> Callable[[PageAction], PageAction]:
    """A button on the page of one row."""
    made: Callable[[PageAction], PageAction] = action(
        description=words, permissions=[permission], url_path=path
    )
    return made


PUBLICATION_FIELDS = (
    "book",
    "number",
    "state",
    "published_at",
    "published_by",
    "retired_at",
    "digest",
)
CONFIRMATIONS = {
    "Publish": "Once published, a version is fixed for ever and holds from its first day on.",
    "Retire": "A retired version makes no new quotes; those that were made stay as they are.",
}


@admin.register(PricingPlan)
class PlanAdmin(ModelAdmin):
    list_display = ["name", "code", "rank", "is_active"]
    list_editable = ["rank", "is_active"]
    search_fields = ["name", "code"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: PricingPlan | None = None
    ) -> list[str]:
        return ["code"] if obj else []


@admin.register(PriceBook)
class PriceBookAdmin(ModelAdmin):
    list_display = ["title", "code", "currency"]
    search_fields = ["title", "code"]
    actions = ["draft"]

    def get_readonly_fields(self, request: HttpRequest, obj: PriceBook | None = None) -> list[str]:
        return ["code", "currency"] if obj else []

    @admin.action(description="Draft a new version from the newest one", permissions=["change"])
    def draft(self, request: HttpRequest, books: QuerySet[PriceBook]) -> None:
        now = timezone.now()
        for book in books:
            made = services.draft(book.code, effective_from=now.date(), now=now)
            self.log_change(request, book, f"Drafted version {made.number}.")
            path = reverse("admin:revenue_pricebookversion_change", args=[made.pk])
            message = format_html('Drafted <a href="{}">{}</a>.', path, made)
            self.message_user(request, message, messages.SUCCESS)


@admin.register(PriceBookVersion)
class VersionAdmin(ModelAdmin):
    list_display = ["__str__", "state", "effective_from", "published_at", "published_by"]
    list_filter = ["state", "book"]
    list_select_related = ["book"]
    inlines = [PlanPriceInline, FactorInline, RuleInline, ChargeInline]
    actions = ["publish", "retire"]
    actions_detail = ["publish_one", "retire_one"]
    actions_submit_line = ["work_out"]
    readonly_fields = [*PUBLICATION_FIELDS, "findings", "simulation"]
    fieldsets = [
        (None, {"fields": ["book", "number", "state", "effective_from", "notes"]}),
        ("Guardrails", {"fields": ["largest_discount", "largest_change"]}),
        ("Before publishing", {"fields": ["findings", "simulation"]}),
        ("Publication", {"fields": ["published_at", "published_by", "retired_at", "digest"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a draft is made from its book

    def has_change_permission(
        self, request: HttpRequest, obj: PriceBookVersion | None = None
    ) -> bool:
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or obj.is_draft)

    def has_delete_permission(
        self, request: HttpRequest, obj: PriceBookVersion | None = None
    ) -> bool:
        may: bool = super().has_delete_permission(request, obj)
        return may and obj is not None and obj.is_draft

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        version = self.get_object(request, str(object_id))
        return version is not None and self.has_change_permission(request, version)

    def has_publish_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="what stands against it, and its cliffs")
    def findings(self, version: PriceBookVersion) -> str:
        told = reports.findings(version.pk)
        return format_html_join("", "<div>{}</div>", ((each,) for each in told)) or "nothing"

    @admin.display(description="who would pay more, and who less")
    def simulation(self, version: PriceBookVersion) -> str:
        path = f"/dashboards/pricing/versions/{version.pk}"
        return format_html('<a href="{}">Simulate over all customers</a>', path)

    @page_button("Save and work out", "edit", "work-out")
    def work_out(self, request: HttpRequest, version: PriceBookVersion) -> None:
        """Save the draft, and show what each charge costs for the use beside it."""

    def response_change(self, request: HttpRequest, version: PriceBookVersion) -> HttpResponse:
        if "work_out" not in request.POST:
            found: HttpResponse = super().response_change(request, version)
            return found
        uses = preview_text.preview_parameters(request.POST.dict(), USE_FIELD)
        return redirect(f"{request.path}?{urlencode(uses)}#charges-group")

    @page_button("Publish", "publish", "publish")
    def publish_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._asked(request, object_id, "Publish", self.publish)

    @page_button("Retire", "publish", "retire")
    def retire_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._asked(request, object_id, "Retire", self.retire)

    def _asked(
        self, request: HttpRequest, object_id: str, verb: str, step: Callable[..., None]
    ) -> HttpResponse:
        """A step of one version, confirmed on a page that says what stands against it."""
        version = get_object_or_404(PriceBookVersion, pk=object_id)
        back = reverse("admin:revenue_pricebookversion_change", args=[version.pk])
        if request.method == "POST":
            step(request, PriceBookVersion.objects.filter(pk=version.pk))
            return redirect(back)
        told = "; ".join(reports.findings(version.pk)) if version.is_draft else ""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb} {version}",
            "question": f"{CONFIRMATIONS[verb]} {told and f'Mind: {told}'}",
            "form": forms.Form(),
            "verb": verb,
            "back": back,
        }
        return TemplateResponse(request, "admin/operations/step.html", context)

    @admin.action(description="Publish: fixed for ever from then on", permissions=["publish"])
    def publish(self, request: HttpRequest, versions: QuerySet[PriceBookVersion]) -> None:
        for version in versions.order_by("pk"):
            try:
                services.publish(version.pk, actor=request.user.get_username(), now=timezone.now())
            except (InvalidValues, services.VersionNotEditable) as error:
                self.message_user(request, f"{version}: {error}", messages.ERROR)
            else:
                self.log_change(request, version, "Published.")
                self.message_user(request, f"Published {version}.", messages.SUCCESS)

    @admin.action(description="Retire: no new quotes", permissions=["publish"])
    def retire(self, request: HttpRequest, versions: QuerySet[PriceBookVersion]) -> None:
        for version in versions.order_by("pk"):
            try:
                services.retire(version.pk, now=timezone.now())
            except services.VersionNotEditable as error:
                self.message_user(request, f"{version}: {error}", messages.ERROR)
            else:
                self.log_change(request, version, "Retired.")
                self.message_user(request, f"Retired {version}.", messages.SUCCESS)


class OverrideForm(forms.Form):
    """Another price than the quote's."""

    amount = forms.DecimalField(
        min_value=0, max_digits=15, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget()
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())


@admin.register(Quote)
class QuoteAdmin(ModelAdmin):
    list_display = ["quoted_at", "plan", "final_price", "agreed_price", "version", "quoted_by"]
    list_filter = ["plan", "currency", "quoted_at"]
    list_select_related = ["plan", "version__book"]
    date_hierarchy = "quoted_at"
    search_fields = ["quote_id", "quoted_by"]
    actions_detail = ["ask"]
    fields = [
        "quote_id",
        "plan",
        "final_price",
        "agreed_price",
        "currency",
        "explanation",
        "version",
        "digest",
        "quoted_at",
        "quoted_by",
        "inputs",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Quote | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Quote | None = None) -> bool:
        return False

    def has_ask_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    @admin.display(description="how it came about")
    def explanation(self, quote: Quote) -> str:
        path = services.quote_page_path(str(quote.quote_id))
        return format_html('<a href="{}">Line by line</a>', path)

    @page_button("Ask for another price", "ask", "ask")
    def ask(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        quote = get_object_or_404(Quote, pk=object_id)
        back = reverse("admin:revenue_quote_change", args=[quote.pk])
        form = OverrideForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                decision = services.request_override(
                    quote.pk,
                    amount=form.cleaned_data["amount"],
                    reason=form.cleaned_data["reason"],
                    actor=request.user.get_username(),
                    now=timezone.now(),
                )
            except InvalidValues as error:
                for each in error.problems:
                    form.add_error(each.path, each.message)
            else:
                ledger = reverse("admin:operations_decision_change", args=[decision])
                message = format_html('Asked. <a href="{}">The decision</a> waits.', ledger)
                self.message_user(request, message, messages.SUCCESS)
                return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": "Another price",
            "question": f"Which price should hold instead of {quote}? A person decides.",
            "form": form,
            "verb": "Ask",
            "back": back,
        }
        return TemplateResponse(request, "admin/operations/step.html", context)
