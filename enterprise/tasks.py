from enterprise.onboarding.tasks import run_onboarding_actions

__all__ = ["run_onboarding_actions"]
