"""Where a form's answer goes back to."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def page_before(request: HttpRequest, otherwise: str) -> str:
    """The page that a request names as `next`, in its form or its address, where that is of this
    host; if not, the other one."""
    page = request.POST.get("next") or request.GET.get("next", "")
    is_here = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if is_here else otherwise
