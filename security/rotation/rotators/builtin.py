"""The rotators that come with the platform; the app registers them when it starts."""

from security.rotation.registry import Rotator
from security.rotation.rotators.apikey import PlatformApiKey
from security.rotation.rotators.database import DatabasePassword
from security.rotation.rotators.generated import Generated
from security.rotation.rotators.manual import Manual
from security.rotation.rotators.webhook import Webhook

BUILTIN_ROTATORS: tuple[Rotator, ...] = (
    Generated(),
    PlatformApiKey(),
    DatabasePassword(),
    Webhook(),
    Manual(),
)
