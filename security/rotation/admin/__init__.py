"""The admin screens of managed keys, rotation policies and rotation runs."""

from security.rotation.admin.keys import ManagedSecretAdmin
from security.rotation.admin.policies import RotationPolicyAdmin, RotationRunAdmin
