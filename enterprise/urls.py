"""Enterprise's calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import PathConverter

from enterprise.onboarding import api as onboarding
from enterprise.usage.api import events, report, track


class ClientId(PathConverter):
    """A caller's id, which may hold slashes; the path with one more at its end is nothing."""

    regex = ".*[^/]"


register_converter(ClientId, "client_id")
FLOW = "enterprise/onboarding/<str:onboarding_id>"
BACKFILL = "enterprise/usage/backfills/<int:pk>"
CLIENT = "enterprise/usage/<client_id:client_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("enterprise/usage/track", track.TrackUsageView.as_view(), name="usage-track"),
    path(
        "enterprise/usage/analyze-upsell", report.AnalyzeUsageView.as_view(), name="usage-analyze"
    ),
    path("enterprise/usage/events", events.EventsView.as_view(), name="usage-events"),
    path("enterprise/usage/backfills", events.BackfillsView.as_view(), name="usage-backfills"),
    path(f"{BACKFILL}/apply", events.ApplyBackfillView.as_view(), name="usage-backfill-apply"),
    path(f"{BACKFILL}/revert", events.RevertBackfillView.as_view(), name="usage-backfill-revert"),
    path(f"{CLIENT}/report", report.UsageReportView.as_view(), name="usage-report"),
    path(f"{CLIENT}/trigger-upsell", report.TriggerUpsellView.as_view(), name="usage-trigger"),
    path("enterprise/onboarding", onboarding.OnboardingsView.as_view(), name="onboardings"),
    path(
        "enterprise/onboarding/create",
        onboarding.CreateOnboardingView.as_view(),
        name="onboarding-create",
    ),
    path(f"{FLOW}/status", onboarding.OnboardingStatusView.as_view(), name="onboarding-status"),
    path(f"{FLOW}/report", onboarding.OnboardingReportView.as_view(), name="onboarding-report"),
    path(
        f"{FLOW}/steps/<str:name>/complete",
        onboarding.CompleteOnboardingStepView.as_view(),
        name="onboarding-step-complete",
    ),
]
