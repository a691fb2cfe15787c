"""The URLconf as it is with SANDBOX=on."""

from django.urls import include, path

from portal.urls import urlpatterns as portal_urlpatterns

urlpatterns = [*portal_urlpatterns, path("sandbox/", include("portal.sandbox.urls"))]
