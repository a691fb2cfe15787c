from django.apps import AppConfig


class AuthorizationsConfig(AppConfig):
    name = "portal.authorizations"
    label = "authorizations"
    verbose_name = "Authorizations"
