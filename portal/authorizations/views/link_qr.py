"""A link's QR code, and a hosted page's, as SVG, PNG or PDF."""

from collections.abc import Callable

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portal.authorizations.models import LandingPage, Link
from portal.authorizations.views.lists import user_of
from portal.printing import qr

FORMATS: dict[str, tuple[str, Callable[..., bytes]]] = {
    "svg": ("image/svg+xml", qr.qr_svg),
    "png": ("image/png", qr.qr_png),
    "pdf": ("application/pdf", qr.qr_pdf),
}


@require_safe
@permission_required("authorizations.view_link", raise_exception=True)
def link_qr(request: HttpRequest, pk: int, extension: str) -> HttpResponse:
    """Draw the code. Query: size (30mm, 1.25in), level (L M Q H), target (short, direct), download (1).

    A wrong value is answered with 400 and one line that names it and the rule.
    """
    link = get_object_or_404(Link.objects.visible_to(user_of(request)), pk=pk)
    target = request.GET.get("target", "short")
    if target not in {"short", "direct"}:
        return _refuse(f"target is “{target[:40]}”: use short (the portal's short link) or direct (Leap's URL)")
    text = link.url if target == "direct" else link.short_url_for_codes
    return _draw(request, text=text, extension=extension, stem=link.code.lower())


@permission_required("authorizations.change_landingpage", raise_exception=True)
@require_safe
def flow_qr(request: HttpRequest, pk: int, extension: str) -> HttpResponse:
    """Draw the code of a flow's hosted page. Query as above, without a target."""
    page = get_object_or_404(LandingPage, flow=pk)
    return _draw(request, text=page.url_for_codes, extension=extension, stem=page.slug)


def _draw(request: HttpRequest, *, text: str, extension: str, stem: str) -> HttpResponse:
    content_type, draw = FORMATS[extension]
    level = request.GET.get("level", "M").upper()
    try:
        if level not in {"L", "M", "Q", "H"}:
            raise ValueError(f"level is “{level[:40]}”: use L, M, Q or H")
        size_mm = qr.parse_size(request.GET.get("size", "30mm"))
        content = draw(text, size_mm=size_mm, error_correction=level)
    except ValueError as error:
        return _refuse(str(error))
    response = HttpResponse(content, content_type=content_type)
    disposition = "attachment" if request.GET.get("download") else "inline"
    response.headers["Content-Disposition"] = f'{disposition}; filename="qr-{stem}.{extension}"'
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _refuse(reason: str) -> HttpResponse:
    return HttpResponse(f"{reason}\n", status=400, content_type="text/plain; charset=utf-8")
