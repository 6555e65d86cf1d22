"""Templates, and their versions with steps and dependencies."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import StackedInline, TabularInline

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.history.attribution import acting, actor_of
from enterprise.onboarding.models import (
    OnboardingDependency,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
)
from enterprise.onboarding.services import templates
from enterprise.sla.admin import DraftOnlyAdmin, DraftOnlyRows, VersionedAdmin
from enterprise.sla.models import FrozenVersion


@admin.register(OnboardingTemplate)
class OnboardingTemplateAdmin(VersionedAdmin):
    list_display = ["title", "name", "is_default"]

    def new_draft(self, pk: int) -> OnboardingTemplateVersion:
        return templates.draft(pk)


class DraftStepInline(DraftOnlyRows, StackedInline):
    model = OnboardingTemplateStep
    show_change_link = True
    fields = [
        *("position", "name", "hours", "hours_by_tier", "owner_kind", "role", "action"),
        *("contact_role", "is_optional"),
    ]


@admin.register(OnboardingTemplateVersion)
class OnboardingTemplateVersionAdmin(DraftOnlyAdmin):
    list_display = ["template", "number", "state", "note", "published_at"]
    list_filter = ["template", "state"]
    list_select_related = ["template"]
    readonly_fields = ["template", "number", "state", "published_at"]
    inlines = [DraftStepInline]
    actions_detail = ["publish", "retire"]

    @button("Publish", "publish", "operate")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Put {} in force for new flows? It cannot be changed afterwards."
        return self._step(request, object_id, "Publish", question, publish)

    @button("Retire", "retire", "operate")
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Take {} out of force? New flows use the version before it."
        return self._step(request, object_id, "Retire", question, templates.retire)

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        verb: str,
        question: str,
        service: Callable[[int], OnboardingTemplateVersion],
    ) -> HttpResponse:
        row = get_object_or_404(OnboardingTemplateVersion, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, question.format(row), verb)
        try:
            with acting(actor_of(request)):
                done = service(row.pk)
        except (FrozenVersion, templates.InvalidTemplate) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{done} is {done.state}.")
        return redirect(change_url(row))


def publish(version_id: int) -> OnboardingTemplateVersion:
    return templates.publish(version_id, timezone.now())


class OnboardingDependencyInline(DraftOnlyRows, TabularInline):
    model = OnboardingDependency
    fk_name = "step"
    fields = ["needs", "lag_hours"]

    def formfield_for_foreignkey(self, field: Any, request: Any, **options: Any) -> Any:
        """Only steps of the same version can be waited for."""
        step_id = request.resolver_match.kwargs.get("object_id") if request else None
        step = OnboardingTemplateStep.objects.filter(pk=step_id).first() if step_id else None
        if field.name == "needs" and step is not None:
            same = OnboardingTemplateStep.objects.filter(version=step.version_id)
            options["queryset"] = same.exclude(pk=step.pk)
        return super().formfield_for_foreignkey(field, request, **options)


class TemplateStepForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    """A step of one version, in which its name and its place stand once."""

    class Meta:
        model = OnboardingTemplateStep
        fields = [
            *("position", "name", "hours", "hours_by_tier", "owner_kind", "role", "action"),
            *("contact_role", "is_optional"),
        ]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        others = OnboardingTemplateStep.objects.filter(version=self.instance.version_id)
        for name in ("name", "position"):
            taken = others.exclude(pk=self.instance.pk).filter(**{name: values.get(name)})
            if values.get(name) is not None and taken.exists():
                self.add_error(name, ValidationError("Another step of this version has it."))
        return values


@admin.register(OnboardingTemplateStep)
class OnboardingTemplateStepAdmin(DraftOnlyAdmin):
    """A step with what it waits for; steps are added on the page of their version."""

    list_display = ["name", "version", "position", "hours", "owner_kind", "action"]
    list_filter = ["version"]
    list_select_related = ["version__template"]
    form = TemplateStepForm
    readonly_fields = ["version"]
    inlines = [OnboardingDependencyInline]
