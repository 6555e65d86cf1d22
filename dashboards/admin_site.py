"""The admin's site: the frame has its own navigation, so no page lists all models for it."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from aethercrown.formatting import MISSING


class CrownAdminSite(UnfoldAdminSite):
    """Works out the list of all models only where a template asks for it.

    Django puts that list into the context of every page, which was a third of an admin page's
    time; no template of ours reads it.
    """

    empty_value_display = MISSING

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """As Django's; without `app_label` it is worked out when it is first read."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        return SimpleLazyObject(lambda: super(CrownAdminSite, self).get_app_list(request))
