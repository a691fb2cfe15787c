"""The catalogue of utilities: data, so that one which Leap adds later needs no release (R9)."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.generic import View

from portal.authorizations.filters.utilities import UtilityFilterSet
from portal.authorizations.forms.utilities import UtilityForm
from portal.authorizations.models import AuditAction, Utility
from portal.authorizations.services.audit import record
from portal.authorizations.tables.utilities import UtilityTable
from portal.authorizations.views.lists import PortalListView


class UtilityListView(PortalListView):
    permission_required = "authorizations.view_utility"
    table_class = UtilityTable
    filterset_class = UtilityFilterSet
    template_name = "authorizations/utility_list.html"
    export_permission = "authorizations.view_utility"
    export_name = "utilities"
    export_columns = (
        ("Region", lambda utility: utility.region),
        ("Utility ID", lambda utility: utility.utility_id),
        ("Name", lambda utility: utility.name),
        ("Short name", lambda utility: utility.short_name),
        ("Name in Leap's API", lambda utility: utility.leap_name),
        ("Days to a meter", lambda utility: utility.expected_days),
        ("Legacy ShareMyData", lambda utility: "yes" if utility.supports_legacy else "no"),
        ("Leap Connect", lambda utility: "yes" if utility.supports_connect else "no"),
        ("Flows", lambda utility: utility.flow_count),
        ("Customers", lambda utility: utility.customer_count),
    )

    def get_queryset(self) -> QuerySet[Utility]:
        return Utility.objects.with_counts()


class UtilityEditView(PermissionRequiredMixin, View):
    """A new utility, or one that is there (`pk`)."""

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        utility = get_object_or_404(Utility, pk=pk) if pk else None
        return self._show(request, pk, UtilityForm(instance=utility))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        utility = get_object_or_404(Utility, pk=pk) if pk else None
        form = UtilityForm(request.POST, instance=utility)
        if form.is_valid() and self._save(form):
            messages.success(request, f"{form.instance} is saved.")
            return redirect("utility_list")
        return self._show(request, pk, form, status=422)

    def _save(self, form: UtilityForm) -> bool:
        try:
            with transaction.atomic():
                is_new = form.instance.pk is None
                form.save()
                action = AuditAction.ADDED if is_new else AuditAction.CHANGED
                record(action=action, noun="utility", row=form.instance.pk, fields=sorted(form.changed_data))
        except IntegrityError:
            # The database holds the rules too: somebody changed a flow after the form had looked.
            form.add_error(
                None, "A flow that offers this utility needs what it would lose: look again at the flows, then save."
            )
        return form.is_valid()

    def _show(self, request: HttpRequest, pk: int | None, form: UtilityForm, status: int = 200) -> HttpResponse:
        utility = Utility.objects.get(pk=pk) if pk else None
        context = {"form": form, "utility": utility, "flows": utility.flows.order_by("name") if utility else []}
        return render(request, "authorizations/utility_form.html", context, status=status)


class UtilityCreateView(UtilityEditView):
    permission_required = "authorizations.add_utility"


class UtilityUpdateView(UtilityEditView):
    permission_required = "authorizations.change_utility"
