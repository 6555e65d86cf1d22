"""`ReadOnlyAdmin`: a mixin for admin classes and inlines whose rows only services write."""

from django.http import HttpRequest


class ReadOnlyAdmin:
    """Nobody adds, changes or deletes these rows in the admin."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
