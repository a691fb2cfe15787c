from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django_dynamic_qr.views.redirect import QRRedirectView

from bench.peers.models import Hit


def insert_one_row(request: HttpRequest) -> HttpResponse:
    """What any Django view does at least that keeps a record of who came."""
    Hit.objects.create(
        at=timezone.now(),
        ip=request.META["REMOTE_ADDR"],
        user_agent=request.headers.get("User-Agent", "")[:300],
    )
    return HttpResponse("kept")


urlpatterns = [
    path("bare", insert_one_row),
    # As the package's own views/urls.py has it; its API, which nobody calls here, would need another package.
    path("qr/<slug:slug>/", QRRedirectView.as_view()),
]
