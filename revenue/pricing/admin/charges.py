"""The form of a charge: plain fields, and what it costs."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from revenue.pricing.forms import charge_form, preview_text
from revenue.pricing.models import PlanCharge
from revenue.pricing.price_book import validation


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
            read = charge_form.price_from_fields(cleaned["model"], cleaned)
            problems = validation.validate_charge(cleaned["model"], read.price, "price")
            for name, message in charge_form.problems_by_field([*read.problems, *problems]):
                self.add_error(name, message)
            self.instance.price = read.price
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
    help_text="Save to see what it costs. With a price per event: amount / events, 1000 / 20.",
    widget=UnfoldAdminTextInputWidget(),
)
