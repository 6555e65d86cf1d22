from enterprise.onboarding.models import (
    FlowForecast,
    IssuedKeySecret,
    OnboardingContact,
    OnboardingDependency,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    OwnerCostWeight,
    StepAction,
    StepReminder,
    StepTransition,
    TeamAbsence,
    TeamMember,
)
from enterprise.sla.models import (
    BusinessCalendar,
    CalendarDay,
    CalendarVersion,
    ResourceQuota,
    RuleCurrencyRate,
    SlaAssignment,
    SlaBreach,
    SlaClock,
    SlaClockEvent,
    SlaThreshold,
    SlaTier,
    TierOverride,
    TierRule,
    TierRuleSet,
)
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    EventKey,
    RefusedEvent,
    RollupCheck,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsageLimit,
    UsageMetric,
    UsagePolicy,
    UsageReading,
    UsageThreshold,
    UsageValue,
)

__all__ = ["BusinessCalendar", "CalendarDay", "CalendarVersion", "ResourceQuota"]
__all__ += ["RuleCurrencyRate", "SlaAssignment", "SlaBreach", "SlaClock", "SlaClockEvent"]
__all__ += ["SlaThreshold", "SlaTier", "TierOverride", "TierRule", "TierRuleSet"]
__all__ += ["FlowForecast", "IssuedKeySecret", "OnboardingContact", "OnboardingDependency"]
__all__ += ["OnboardingFlow", "OnboardingStep", "OnboardingTemplate", "OnboardingTemplateStep"]
__all__ += ["OnboardingTemplateVersion", "StepAction", "StepTransition"]
__all__ += ["OwnerCostWeight", "StepReminder"]
__all__ += ["TeamAbsence", "TeamMember"]
__all__ += [
    "ClientMetric",
    "DirtyClient",
    "EventKey",
    "RefusedEvent",
    "RollupCheck",
    "UsageAdjustment",
    "UsageAlert",
    "UsageBackfill",
    "UsageDay",
    "UsageEvent",
    "UsageHour",
    "UsageLimit",
    "UsageMetric",
    "UsagePolicy",
    "UsageReading",
    "UsageThreshold",
    "UsageValue",
]
