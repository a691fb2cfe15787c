from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path, reverse_lazy

from portal.authorizations.forms.sign_in import AdminSignInForm, SignInForm
from portal.authorizations.views import public, public_start, public_unsubscribe
from portal.authorizations.views.sign_in import SignInView, SignOutView

admin.site.login_form = AdminSignInForm

urlpatterns: list[URLPattern | URLResolver] = [
    # Public doors: no sign-in (portal/authorizations/views/public*.py).
    path("go/<str:code>", public.short_redirect, name="short_redirect"),
    path("GO/<str:code>", public.short_redirect),
    # Whoever types an address may end it with a slash.
    path("go/<str:code>/", public.short_redirect),
    path("GO/<str:code>/", public.short_redirect),
    path("leap/thanks", public.thanks, name="thanks"),
    path("leap/thanks/", public.thanks),
    path("leap/thanks/<str:language>/", public.thanks, name="thanks_in"),
    path("start/<str:slug>", public_start.start, name="start"),
    path("START/<str:slug>", public_start.start),
    path("start/<str:slug>/", public_start.start),
    path("start/<str:slug>/<str:language>/", public_start.start, name="start_in"),
    path("start/<str:slug>/<str:language>/sent", public_start.start_sent, name="start_sent"),
    path("unsubscribe/<str:token>", public_unsubscribe.unsubscribe, name="unsubscribe"),
    path("unsubscribe/<str:token>/", public_unsubscribe.unsubscribe),
    path("leap/events", public.leap_events, name="leap_events"),
    path("healthz", public.healthz, name="healthz"),
    path("readyz", public.readyz, name="readyz"),
    # People.
    path("login/", SignInView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True), name="login"),
    path("logout/", SignOutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    # A person's own password, with the link that an admin made: public, as the person has no password yet.
    path(
        "invitation/<uidb64>/<token>/",
        auth.PasswordResetConfirmView.as_view(
            template_name="registration/invitation.html", success_url=reverse_lazy("home"), post_reset_login=True
        ),
        name="invitation",
    ),
    # Django's own admin in the same dress.
    path("admin/", admin.site.urls),
    # The portal's screens.
    path("", include("portal.authorizations.urls")),
]

if settings.SANDBOX:
    # Leap, acted: not before the portal's own addresses are looked through.
    urlpatterns.append(path("sandbox/", include("portal.sandbox.urls")))
