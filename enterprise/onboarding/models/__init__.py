"""Templates and their versions, flows with steps, the team, contacts, and the log."""

from enterprise.onboarding.models.contacts import (
    IssuedKeySecret,
    OnboardingContact,
    StepReminder,
)
from enterprise.onboarding.models.flows import (
    FlowForecast,
    OnboardingFlow,
    OnboardingStep,
    StepAction,
    StepTransition,
)
from enterprise.onboarding.models.roles import (
    ContactRole,
    OnboardingRole,
    StepOwnerKind,
    known_zone,
)
from enterprise.onboarding.models.team import OwnerCostWeight, TeamAbsence, TeamMember
from enterprise.onboarding.models.templates import (
    OnboardingDependency,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    valid_tier_hours,
)

__all__ = ["ContactRole", "FlowForecast", "IssuedKeySecret", "OnboardingContact"]
__all__ += ["OnboardingDependency", "OnboardingFlow", "OnboardingRole", "OnboardingStep"]
__all__ += ["OnboardingTemplate", "OnboardingTemplateStep", "OnboardingTemplateVersion"]
__all__ += ["OwnerCostWeight", "StepAction", "StepOwnerKind", "StepReminder", "StepTransition"]
__all__ += ["TeamAbsence", "TeamMember", "known_zone", "valid_tier_hours"]
