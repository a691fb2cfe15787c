"""Leap's addresses, below /sandbox. Mounted only with SANDBOX=on (portal/urls.py)."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "sandbox"
urlpatterns: list[URLPattern | URLResolver] = [
    # The API: before the pages, whose addresses match nearly everything.
    path("", include("portal.sandbox.api.urls")),
    # The pages.
]
