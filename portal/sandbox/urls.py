"""Leap's addresses, below /sandbox. Mounted only with SANDBOX=on (portal/urls.py)."""

from django.urls import URLPattern, URLResolver, include, path

from portal.sandbox.views import cases, clock, connect, faults, home, meters, utility, webhooks

app_name = "sandbox"
urlpatterns: list[URLPattern | URLResolver] = [
    # The API: before the pages, whose addresses match nearly everything.
    path("", include("portal.sandbox.api.urls")),
    # The tester's own pages.
    path("", home.home, name="home"),
    path("tester/flows/<int:pk>/", home.flow_update, name="flow_update"),
    path("tester/clock/", clock.clock, name="clock"),
    path("tester/meters/", meters.meter_list, name="meter_list"),
    path("tester/webhooks/", webhooks.webhook_list, name="webhook_list"),
    path("tester/faults/", faults.fault_list, name="fault_list"),
    # A journey that has begun.
    path("sessions/<uuid:token>/", connect.session, name="session"),
    path("sessions/<uuid:token>/case/", cases.session_case, name="session_case"),
    path("sessions/<uuid:token>/end/", connect.session_end, name="session_end"),
    path("sessions/<uuid:token>/utility/<uuid:authorization_id>/", utility.utility, name="utility"),
    # The addresses that links have.
    path("<str:org_name>/<str:utility_id>/getting-started", connect.legacy, name="legacy"),
    path("<str:org_name>/<str:utility_id>/getting-started/", connect.legacy),
    path("<str:org_name>/<str:title>/", connect.titled, name="titled"),
]
