"""Leap's API, as its servers have it below their host."""

from django.urls import path

from portal.sandbox.api import meters, webhooks

urlpatterns = [
    path("v2/meters/search", meters.meter_search, name="api_meter_search"),
    path("v2/meters/enrollments/search", meters.enrollment_search, name="api_enrollment_search"),
    path("v2/meters/<str:meter_id>", meters.meter_details, name="api_meter"),
    path("v2/meters/<str:meter_id>/enrollments", meters.meter_enrollments, name="api_meter_enrollments"),
    path("v1.1/webhooks", webhooks.webhooks, name="api_webhooks"),
    path("v1.1/webhooks/<str:webhook_id>", webhooks.webhook, name="api_webhook"),
    path("v1.1/webhooks/<str:webhook_id>/test", webhooks.webhook_test, name="api_webhook_test"),
]
