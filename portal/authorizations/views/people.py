"""People who sign in: the list, a person, and the link with which they set their own password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from portal.accounts.filters import UserFilterSet
from portal.accounts.forms import PersonForm
from portal.accounts.models import User
from portal.accounts.services.people import (
    PersonRefused,
    create_person,
    disable_person,
    enable_person,
    make_invitation,
    update_person,
)
from portal.accounts.tables import UserTable
from portal.authorizations.models import AuditAction
from portal.authorizations.services.audit import record
from portal.authorizations.views.lists import PortalListView, user_of

_INVITATION = "invitation"


class UserListView(PortalListView):
    permission_required = "accounts.view_user"
    table_class = UserTable
    filterset_class = UserFilterSet
    template_name = "authorizations/user_list.html"
    export_permission = "accounts.view_user"
    export_name = "people"
    export_columns = (
        ("Name", lambda user: user.get_full_name()),
        ("Sign-in name", lambda user: user.username),
        ("Email", lambda user: user.email),
        ("Phone", lambda user: user.phone),
        ("Role", lambda user: user.role or ""),
        ("State", lambda user: "active" if user.is_active else "disabled"),
        ("Last sign-in", lambda user: _moment(user.last_login)),
    )

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.prefetch_related("groups")


class UserCreateView(PermissionRequiredMixin, View):
    permission_required = ("accounts.add_user", "accounts.change_user")

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "authorizations/user_form.html", {"form": PersonForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PersonForm(request.POST)
        if not form.is_valid():
            return render(request, "authorizations/user_form.html", {"form": form}, status=422)
        with transaction.atomic():
            person = create_person(role=form.cleaned_data["role"], **form.person)
            record(action=AuditAction.ADDED, noun="person", row=person.pk, role=_slug(form.cleaned_data["role"]))
        messages.success(request, f"{person} is added. Hand over the sign-in link below: it is shown only now.")
        return _show_invitation_once(request, person)


class UserUpdateView(PermissionRequiredMixin, View):
    """One person; right after a sign-in link was made, also the link, once."""

    permission_required = "accounts.change_user"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(User, pk=pk)
        made = request.session.pop(_INVITATION, None)
        invitation = made["url"] if made and made["person"] == pk else ""
        return self._show(request, person, PersonForm(instance=person), invitation=invitation)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(User, pk=pk)
        form = PersonForm(request.POST, instance=get_object_or_404(User, pk=pk))
        if form.is_valid():
            try:
                role = form.cleaned_data["role"]
                with transaction.atomic():
                    update_person(user=person, role=role, by=user_of(request), **form.person)
                    fields = sorted(form.changed_data)
                    record(action=AuditAction.CHANGED, noun="person", row=pk, fields=fields, role=_slug(role))
            except PersonRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                messages.success(request, f"{person} is saved.")
                return redirect("user_list")
        return self._show(request, get_object_or_404(User, pk=pk), form, status=422)

    def _show(
        self, request: HttpRequest, person: User, form: PersonForm, *, invitation: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            "form": form,
            "person": person,
            "invitation": invitation,
            "valid_days": settings.PASSWORD_RESET_TIMEOUT // 86400,
            "is_self": person.pk == user_of(request).pk,
        }
        response = render(request, "authorizations/user_form.html", context, status=status)
        response.headers["Cache-Control"] = "no-store"
        return response


class UserInviteView(PermissionRequiredMixin, View):
    """Make a link with which a person sets a (new) password."""

    permission_required = "accounts.change_user"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _show_invitation_once(request, get_object_or_404(User, pk=pk))


class UserDisableView(PermissionRequiredMixin, View):
    """Asks, then keeps a person out."""

    permission_required = "accounts.change_user"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return render(request, "authorizations/user_disable.html", {"person": get_object_or_404(User, pk=pk)})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(User, pk=pk)
        try:
            with transaction.atomic():
                disable_person(user=person, by=user_of(request))
                record(action=AuditAction.CHANGED, noun="person", row=pk, state="disabled")
        except PersonRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("user_update", pk)
        messages.success(request, f"{person} is disabled, and signed out everywhere.")
        return redirect("user_list")


class UserEnableView(PermissionRequiredMixin, View):
    permission_required = "accounts.change_user"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            person = enable_person(user=get_object_or_404(User, pk=pk))
            record(action=AuditAction.CHANGED, noun="person", row=pk, state="enabled")
        messages.success(request, f"{person} can sign in again, with the password from before or a new sign-in link.")
        return redirect("user_update", pk)


def _show_invitation_once(request: HttpRequest, person: User) -> HttpResponse:
    try:
        uid, token = make_invitation(person)
    except PersonRefused as refusal:
        messages.error(request, str(refusal))
    else:
        record(action=AuditAction.STARTED, noun="sign-in link", row=person.pk)
        url = f"{settings.PUBLIC_URL}{reverse('invitation', args=[uid, token])}"
        request.session[_INVITATION] = {"person": person.pk, "url": url}
    return redirect("user_update", person.pk)


def _slug(role: str) -> str:
    """A role as the audit takes it."""
    return str(role).replace(" ", "_")


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
