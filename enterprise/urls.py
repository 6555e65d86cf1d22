"""Enterprise's calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from enterprise.onboarding import api as onboarding

FLOW = "enterprise/onboarding/<str:onboarding_id>"

urlpatterns: list[URLPattern | URLResolver] = [
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
