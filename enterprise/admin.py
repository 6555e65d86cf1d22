from enterprise.onboarding.admin import (
    OnboardingContactAdmin,
    OnboardingFlowAdmin,
    OnboardingStepAdmin,
    OnboardingTemplateAdmin,
    OnboardingTemplateStepAdmin,
    OnboardingTemplateVersionAdmin,
    OwnerCostWeightAdmin,
    TeamMemberAdmin,
)
from enterprise.sla.admin import (
    BusinessCalendarAdmin,
    CalendarVersionAdmin,
    SlaAssignmentAdmin,
    SlaBreachAdmin,
    SlaClockAdmin,
    SlaThresholdAdmin,
    SlaTierAdmin,
    TierOverrideAdmin,
    TierRuleSetAdmin,
)
from enterprise.usage.admin import (
    RefusedEventAdmin,
    UsageAdjustmentAdmin,
    UsageAlertAdmin,
    UsageBackfillAdmin,
    UsageEventAdmin,
    UsageLimitAdmin,
    UsageMetricAdmin,
    UsagePolicyAdmin,
)

__all__ = ["BusinessCalendarAdmin", "CalendarVersionAdmin", "SlaAssignmentAdmin"]
__all__ += ["SlaBreachAdmin", "SlaClockAdmin", "SlaThresholdAdmin", "SlaTierAdmin"]
__all__ += ["TierOverrideAdmin", "TierRuleSetAdmin"]
__all__ += ["OnboardingContactAdmin", "OnboardingFlowAdmin", "OnboardingStepAdmin"]
__all__ += ["OnboardingTemplateAdmin", "OnboardingTemplateStepAdmin"]
__all__ += ["OnboardingTemplateVersionAdmin", "OwnerCostWeightAdmin", "TeamMemberAdmin"]
__all__ += [
    "RefusedEventAdmin",
    "UsageAdjustmentAdmin",
    "UsageAlertAdmin",
    "UsageBackfillAdmin",
    "UsageEventAdmin",
    "UsageLimitAdmin",
    "UsageMetricAdmin",
    "UsagePolicyAdmin",
]
