from django.apps import AppConfig


class AuthorizationsConfig(AppConfig):
    name = "portal.authorizations"
    label = "authorizations"
    verbose_name = "Authorizations"

    def ready(self) -> None:
        from portal.authorizations.services.sign_in_audit import connect

        connect()
