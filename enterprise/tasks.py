from enterprise.onboarding.tasks import run_onboarding_actions
from enterprise.usage.tasks import evaluate_usage

__all__ = ["run_onboarding_actions"]
__all__ += ["evaluate_usage"]
