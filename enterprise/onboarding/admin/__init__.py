"""Templates with versions, the team, flows with their steps, contacts and log."""

from enterprise.onboarding.admin.contacts import OnboardingContactAdmin
from enterprise.onboarding.admin.flows import OnboardingFlowAdmin
from enterprise.onboarding.admin.steps import OnboardingStepAdmin
from enterprise.onboarding.admin.team import OwnerCostWeightAdmin, TeamMemberAdmin
from enterprise.onboarding.admin.templates import (
    OnboardingTemplateAdmin,
    OnboardingTemplateStepAdmin,
    OnboardingTemplateVersionAdmin,
)

__all__ = ["OnboardingContactAdmin", "OnboardingFlowAdmin", "OnboardingStepAdmin"]
__all__ += ["OnboardingTemplateAdmin", "OnboardingTemplateStepAdmin"]
__all__ += ["OnboardingTemplateVersionAdmin", "OwnerCostWeightAdmin", "TeamMemberAdmin"]
