"""Unsubscribe by the signed link of a mail: a page with a button, and one click (RFC 8058)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from operations.messaging import services


@csrf_exempt  # mail programs post it without a cookie; the signature is the permission
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A POST withdraws the consent of the link's address; a GET, as of a scanner, only asks."""
    try:
        if request.method == "POST":
            services.unsubscribe(token, timezone.now())
        else:
            services.hash_of_link(token)
    except services.UnknownLink:
        raise Http404("There is no such page.") from None
    done = request.method == "POST"
    answer = render(request, "unsubscribe.html", {"done": done})
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
