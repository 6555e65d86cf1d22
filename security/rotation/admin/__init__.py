"""The admin screens of managed keys, rotation policies and rotation runs."""

from security.rotation.admin.bindings import SecretBindingAdmin
from security.rotation.admin.channels import KeyChannelAdmin
from security.rotation.admin.keys import ManagedSecretAdmin
from security.rotation.admin.outside import OutsideTaskAdmin
from security.rotation.admin.policies import RotationPolicyAdmin, RotationRunAdmin
