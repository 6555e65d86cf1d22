"""The admin of destinations and messages, and of what governs mail to people outside."""

from operations.messaging.admin.destinations import DestinationAdmin, MessageAdmin
from operations.messaging.admin.outside import (
    MailTemplateVersionAdmin,
    RecipientAddressAdmin,
    SendingRuleAdmin,
)
