"""Customers, subscriptions and payments; subscriptions change through services only."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.csv import export
from aethercrown.csv.admin import CSVAdmin
from aethercrown.formatting import date_text
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from revenue.customers import data_hooks, reports, services
from revenue.customers.billing_interval import MONTHS
from revenue.customers.models import (
    ONE_AN_ADDRESS,
    Contact,
    Customer,
    Payment,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.plan_terms import SubscriptionState


class ContactFormSet(BaseInlineFormSet[Contact, Customer, Any]):
    def clean(self) -> None:
        """No address twice among the rows of the page."""
        super().clean()
        kept = [each.cleaned_data for each in self.forms if not self._should_delete_form(each)]  # type: ignore[attr-defined]  # Django's
        emails = [each["email"].casefold() for each in kept if each.get("email")]
        if len(set(emails)) < len(emails):
            raise forms.ValidationError(ONE_AN_ADDRESS)


class ContactInline(TabularInline):
    """The people at a customer; their consent is recorded on each one's own page."""

    model = Contact
    formset = ContactFormSet
    fields = ["name", "email", "role", "locale", "time_zone", "is_active"]
    extra = 0
    show_change_link = True


@admin.register(Customer)
class CustomerAdmin(CSVAdmin):
    list_display = ["name", "external_id", "segment", "size", "owner", "currency", "created_at"]
    list_filter = ["segment", "size", "currency"]
    search_fields = ["name", "external_id"]
    readonly_fields = ["merged_into", "erased_at", "created_at"]
    fieldsets = [
        (None, {"fields": ["external_id", "name", "segment", "size", "owner"]}),
        ("Region", {"fields": ["currency", "time_zone"]}),
        ("History", {"fields": ["created_at", "merged_into", "erased_at"]}),
    ]
    # other features add theirs
    inlines: ClassVar[list[type[TabularInline]]] = [ContactInline]
    import_kinds = ("customers", "customers-wide")
    export_kind = "customers"
    actions = ["download_data", "merge", "erase"]

    def get_inlines(self, request: HttpRequest, obj: object = None) -> list[type[TabularInline]]:
        return self.inlines if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The currency cannot change once there are amounts in it."""
        paid = obj and (obj.subscriptions.exists() or obj.payments.exists())
        return (*self.readonly_fields, *(("currency",) if paid else ()))

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_delete_permission(request))

    def save_formset(self, request: HttpRequest, form: object, formset: Any, change: Any) -> None:
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            row.delete()
        for row in rows:
            services.save_contact(row) if isinstance(row, Contact) else row.save()

    @admin.action(description="Download all data of one customer", permissions=["view"])
    def download_data(self, request: HttpRequest, rows: QuerySet[Customer]) -> HttpResponse | None:
        one = self._only(request, rows)
        if one is None:
            return None
        data = reports.personal_data(one.pk)
        export.note("personal data", f"customer {one.pk}")
        response = JsonResponse(data, json_dumps_params={"indent": 2})
        response["Content-Disposition"] = 'attachment; filename="customer.json"'
        return response

    @admin.action(description="Merge two customers into the older record", permissions=["change"])
    def merge(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        pair = list(rows.order_by("created_at", "pk"))
        if len(pair) != 2:
            self.message_user(request, "Choose two customers.", messages.ERROR)
            return
        kept, duplicate = pair
        done = f"{duplicate.external_id} was merged into {kept.external_id}."
        self._run(request, lambda: services.merge(kept.pk, duplicate.pk, now=timezone.now()), done)

    @admin.action(description="Erase personal data permanently", permissions=["erase"])
    def erase(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        if one := self._only(request, rows):
            done = f"The personal data of customer {one.pk} were erased; its amounts stay."
            if last := data_hooks.kept_until([one.pk]):
                done += f" Issued invoices are kept by law until {date_text(last)}."
            self._run(request, lambda: services.erase(one.pk, now=timezone.now()), done)

    def _only(self, request: HttpRequest, rows: QuerySet[Customer]) -> Customer | None:
        """The only chosen customer; a message where there is none or several."""
        if rows.count() == 1:
            return rows.get()
        self.message_user(request, "Choose one customer.", messages.ERROR)
        return None

    def _run(self, request: HttpRequest, service: Callable[[], Customer], done: str) -> None:
        try:
            after = service()
        except services.InvalidEntry as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, after, "Merged or erased.")
            self.message_user(request, done, messages.SUCCESS)


class ConsentForm(forms.Form):
    source = forms.CharField(
        max_length=200,
        label="How",
        help_text="Such as: order form of 3 May; kept as the proof.",
        widget=UnfoldAdminTextInputWidget(),
    )


@admin.register(Contact)
class ContactAdmin(CSVAdmin):
    list_display = ["name", "email", "customer", "role", "is_active"]
    list_filter = ["role", "is_active"]
    list_select_related = ["customer"]
    search_fields = ["name", "email", "customer__name", "customer__external_id"]
    autocomplete_fields = ["customer"]
    fields = [
        *("customer", "name", "email", "role", "locale", "time_zone", "is_active"),
        *("consent", "mail", "created_at", "email_changed_at"),
    ]
    import_kinds = ("contacts",)
    export_kind = "contacts"
    actions_detail = ["consent_given", "consent_withdrawn"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = ("consent", "mail", "created_at", "email_changed_at")
        return ("customer", *fixed) if obj else fixed

    @admin.display(description="offers and news")
    def consent(self, contact: Contact) -> str:
        return reports.consent_text(contact)

    @admin.display(description="mail")
    def mail(self, contact: Contact) -> str:
        """The newest mail to this person."""
        shown = reports.newest_mail(contact)
        return format_html_join("", "<div>{}</div>", ((each,) for each in shown)) or "none"

    def save_model(self, request: HttpRequest, obj: Any, form: object, change: object) -> None:
        services.save_contact(obj)

    @button("Record consent", "consent-given", "change")
    def consent_given(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Did {} agree to offers and news by e-mail?"
        return self._record(request, object_id, question, "Record consent", services.give_consent)

    @button("Withdraw consent", "consent-withdrawn", "change")
    def consent_withdrawn(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Does {} want no offers and news by e-mail any more?"
        return self._record(
            request, object_id, question, "Withdraw consent", services.withdraw_consent
        )

    def _record(
        self,
        request: HttpRequest,
        object_id: str,
        question: str,
        verb: str,
        service: Callable[..., None],
    ) -> HttpResponse:
        contact = get_object_or_404(Contact, pk=object_id)
        if not self.has_change_permission(request, contact):
            raise PermissionDenied
        form = ConsentForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            asked = question.format(contact)
            return confirmation_page(self, request, contact, asked, verb, form=form)
        service(contact, source=form.cleaned_data["source"], now=timezone.now())
        self.log_change(request, contact, f"{verb}.")
        return redirect(change_url(contact))


class SubscriptionChangeInline(ReadOnlyAdmin, TabularInline):
    """The subscription's changes; a further row for the same day adjusts that day."""

    model = SubscriptionChange
    fields = [
        *("on", "state", "plan", "basis", "price", "interval", "quantity", "coupon"),
        *("coupon_percent", "coupon_amount", "coupon_until", "trial_until", "price_until"),
        *("note", "amount"),
        "recorded_at",
    ]
    readonly_fields = ["amount", "recorded_at"]
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("revenue.add_subscriptionchange")

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """A new row starts with the terms in force today, so that what is not edited stays."""
        formset = super().get_formset(request, obj, **options)
        if obj is not None and obj.state != SubscriptionState.ENDED:
            terms = services.saved_terms(obj, timezone.localdate())
            for name in terms.keys() & formset.form.base_fields.keys():
                formset.form.base_fields[name].initial = terms[name]
        return formset


class ScheduleForm(forms.Form):
    """A change ahead; what is empty stays as it is on that day."""

    on = forms.DateField(
        help_text="After today; the nightly run of that day records it.",
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
    )
    new_state = forms.ChoiceField(
        label="State",
        choices=[
            ("", "as it is"),
            *((each, each) for each in ("active", "free", "paused")),
            ("ended", "ended: the first day without charge"),
        ],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    plan = forms.CharField(max_length=100, required=False, widget=UnfoldAdminTextInputWidget())
    basis = forms.ChoiceField(
        label="Price",
        choices=[("", "as it is"), ("list", "list"), ("negotiated", "negotiated")],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    price = forms.DecimalField(
        label="Amount",
        min_value=0,
        max_digits=18,
        decimal_places=6,
        required=False,
        help_text="Of one unit for each interval. Empty: it stays, or the list price where plan or"
        " interval change.",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    interval = forms.ChoiceField(
        choices=[("", "as it is"), *((each, each.replace("_", " ")) for each in MONTHS)],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    quantity = forms.IntegerField(
        min_value=1, required=False, widget=UnfoldAdminIntegerFieldWidget()
    )
    coupon_percent = forms.DecimalField(
        min_value=0,
        max_digits=7,
        decimal_places=4,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    coupon_amount = forms.DecimalField(
        label="Coupon, an amount",
        min_value=0,
        max_digits=18,
        decimal_places=6,
        required=False,
        help_text="Off the fee of each interval, instead of a percentage.",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    coupon_until = forms.DateField(
        required=False,
        help_text="First day without it; empty: as it is.",
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
    )
    note = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget())


class ScheduledChangeInline(ReadOnlyAdmin, TabularInline):
    """What is agreed ahead of the subscription."""

    model = ScheduledChange
    fields = ["on", "what", "state", "reason", "note", "scheduled_by"]
    readonly_fields = ["what"]
    extra = 0
    show_change_link = True

    @admin.display(description="what changes")
    def what(self, row: ScheduledChange) -> str:
        return row.words


@admin.register(ScheduledChange)
class ScheduledChangeAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["on", "subscription", "words", "state", "scheduled_by", "reason"]
    list_filter = ["state"]
    list_select_related = ["subscription__customer"]
    search_fields = ["subscription__customer__name", "subscription__customer__external_id"]
    date_hierarchy = "on"
    actions_detail = ["cancel"]

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("revenue.change_scheduledchange"))

    @button("Cancel", "cancel", "cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(ScheduledChange, pk=object_id)
        if request.method != "POST":
            question = f"Cancel “{row}” of {row.subscription}?"
            return confirmation_page(self, request, row, question, "Cancel it")
        try:
            by = actor_of(request)
            services.cancel_scheduled(row.pk, by=by, now=timezone.now())
        except InvalidTransition as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, "Cancelled.")
        return redirect(change_url(row))


@admin.register(Subscription)
class SubscriptionAdmin(CSVAdmin):
    list_display = [
        *("customer", "plan", "state", "basis", "price", "interval", "quantity"),
        *("amount", "currency", "started_on", "ended_on"),
    ]
    list_filter = ["currency", "plan", "state", "basis", "interval"]
    list_select_related = ["customer"]
    search_fields = ["external_id", "customer__name", "customer__external_id"]
    date_hierarchy = "started_on"
    autocomplete_fields = ["customer"]
    fields = [
        *("external_id", "customer", "plan", "state", "basis", "price", "interval", "quantity"),
        *("amount", "currency", "started_on", "ended_on", "next_step_on"),
    ]
    inlines: ClassVar[list[type[TabularInline]]] = [
        SubscriptionChangeInline,
        ScheduledChangeInline,
    ]
    import_kinds = ("subscriptions",)
    export_kind = "subscriptions"
    actions_detail = ["schedule"]

    def get_inlines(self, request: HttpRequest, obj: object = None) -> list[type[TabularInline]]:
        return self.inlines if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        """A stored subscription is changed only through its list of changes."""
        return tuple(self.fields) if obj else ("amount", "ended_on", "next_step_on")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """A new subscription starts as a trial, free or active, at a list or negotiated price."""
        form = super().get_form(request, obj, **options)
        for name, left_out in (("state", ("paused", "ended", "future")), ("basis", ("override",))):
            field = form.base_fields.get(name)
            if field is not None:
                field.choices = [each for each in field.choices if each[0] not in left_out]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: object, change: object) -> None:
        if obj.pk is not None:
            return
        stored = services.record_subscription(
            obj.customer_id,
            external_id=obj.external_id,
            amount=obj.price,
            currency=obj.currency,
            started_on=obj.started_on,
            plan=obj.plan,
            every=obj.interval,
            now=timezone.now(),
            state=obj.state,
            basis=obj.basis,
            quantity=obj.quantity,
            recorded_by=actor_of(request)[:150],
        )
        obj.pk = stored.pk

    def save_formset(self, request: HttpRequest, form: object, formset: Any, change: Any) -> None:
        for row in formset.save(commit=False):
            self._record(request, row)

    @button("Schedule a change", "schedule", "change")
    def schedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Agree a change of a day to come; a GET shows the form."""
        subscription = get_object_or_404(Subscription, pk=object_id)
        if not self.has_change_permission(request, subscription):
            raise PermissionDenied
        form = ScheduleForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and self._scheduled(request, subscription, form):
            return redirect(change_url(subscription))
        question = "What is left empty stays as it is on that day."
        return confirmation_page(self, request, subscription, question, "Schedule", form=form)

    def _scheduled(
        self, request: HttpRequest, subscription: Subscription, form: ScheduleForm
    ) -> bool:
        """Schedule the form's change; a refusal is shown beside its field."""
        by = actor_of(request)
        try:
            made = services.schedule_change(
                subscription.pk, by=by, now=timezone.now(), **form.cleaned_data
            )
        except services.InvalidEntry as error:
            field = {"amount": "price", "every": "interval"}.get(error.field, error.field)
            words = str(error).removeprefix(f"{error.field}: ")
            form.add_error(field if field in form.fields else None, words)
            return False
        self.log_change(request, subscription, f"Scheduled for {made.on}: {made.words}.")
        self.message_user(request, f"Scheduled for {date_text(made.on)}: {made.words}.")
        return True

    def _record(self, request: HttpRequest, row: SubscriptionChange) -> None:
        now, of = timezone.now(), row.subscription_id
        again = SubscriptionChange.objects.filter(subscription=of, on=row.on).exists()
        given: dict[str, Any] = {"on": row.on, "now": now, "note": row.note}
        try:
            if row.state == SubscriptionState.ENDED and not again:
                services.end(of, **given)
                return
            terms: dict[str, Any] = {name: getattr(row, name) for name in FORM_TERMS}
            terms["recorded_by"] = actor_of(request)[:150]
            record = services.adjust if again else services.change
            price: dict[str, Any] = {
                "amount": row.price,
                "every": row.interval,
                "plan": row.plan or None,
            }
            record(of, **given, **price, **terms)
        except services.InvalidEntry as error:
            self.message_user(request, str(error), messages.ERROR)


FORM_TERMS = (
    *("state", "basis", "quantity", "coupon", "coupon_percent", "coupon_amount", "coupon_until"),
    *("trial_until", "price_until"),
)


@admin.register(Payment)
class PaymentAdmin(CSVAdmin):
    list_display = ["paid_on", "customer", "kind", "amount", "currency", "external_id"]
    list_filter = ["kind", "currency"]
    list_select_related = ["customer"]
    search_fields = ["external_id", "customer__name", "customer__external_id"]
    date_hierarchy = "paid_on"
    autocomplete_fields = ["customer"]
    import_kinds = ("payments",)
    export_kind = "payments"
