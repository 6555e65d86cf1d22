"""What a caller is told when something is refused: one envelope for every failure."""

from rest_framework import exceptions, status


class Conflict(exceptions.APIException):
    """The state of things forbids the step."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The state of things forbids this step."
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """A body or a list is longer than its limit; the message names the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """A service that the call needs is down; `wait` is the number of seconds to come back after."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "A needed service is down; try again shortly."
    default_code = "unavailable"
    wait = 5
