"""The button that downloads the evidence pack, above the list of managed keys."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from aethercrown.admin_actions import button
from aethercrown.history.attribution import actor_of
from security.compliance import services
from security.rotation.admin.keys import ManagedSecretAdmin
from security.rotation.models import ManagedSecret

admin.site.unregister(ManagedSecret)  # registered by rotation, which does not import compliance


@admin.register(ManagedSecret)
class ManagedSecretEvidenceAdmin(ManagedSecretAdmin):
    """The screen of managed keys, with the evidence pack."""

    actions_list = [*ManagedSecretAdmin.actions_list, "evidence_pack"]

    @button("Compliance evidence pack", "evidence-pack", "view")
    def evidence_pack(self, request: HttpRequest) -> HttpResponse:
        """Download the zip; an audit event records it."""
        name, content = services.build_pack(timezone.now(), actor=actor_of(request))
        page = HttpResponse(content, content_type="application/zip")
        page["Content-Disposition"] = f'attachment; filename="{name}"'
        return page
