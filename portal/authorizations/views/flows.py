"""Flows: the list, the form with its preview, and the way from requested to live to retired."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import View

from portal.authorizations.filters.flows import FlowFilterSet
from portal.authorizations.forms.flows import FlowForm, PasteForm
from portal.authorizations.models import Flow
from portal.authorizations.services.flow_paste import PastedFlow, read_pasted_url
from portal.authorizations.services.flow_preview import make_examples
from portal.authorizations.services.flow_rules import find_problems
from portal.authorizations.services.flows import FlowRefused, retire, save_flow, set_live
from portal.authorizations.tables.flows import FlowTable
from portal.authorizations.views.lists import PortalListView, read_keys, user_of
from portal.leap.authorization_urls import UrlError


class FlowListView(PortalListView):
    permission_required = "authorizations.view_flow"
    table_class = FlowTable
    filterset_class = FlowFilterSet
    template_name = "authorizations/flow_list.html"
    export_permission = "authorizations.view_flow"
    export_name = "flows"
    export_columns = (
        ("Flow", lambda flow: flow.name),
        ("Journey", lambda flow: flow.get_journey_display()),
        ("Organization", lambda flow: flow.org_name),
        ("Title", lambda flow: flow.title),
        ("Region of the address", lambda flow: flow.region),
        ("Variant", lambda flow: flow.variant),
        ("Program", lambda flow: flow.program),
        ("Regions", lambda flow: " ".join(flow.regions)),
        ("Utilities", lambda flow: " ".join(utility.utility_id for utility in flow.utilities.all())),
        ("Customer types", lambda flow: flow.get_customer_types_display()),
        ("Terms", lambda flow: "; ".join(flow.term_names)),
        ("State", lambda flow: flow.state),
        ("Requested", lambda flow: _day(flow.requested_at)),
        ("Live since", lambda flow: _day(flow.live_at)),
        ("Retired", lambda flow: _day(flow.retired_at)),
        ("Live links", lambda flow: flow.live_links_said),
    )

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.with_utilities().with_live_link_counts()

    def get_table(self, **kwargs: Any) -> FlowTable:
        table: FlowTable = super().get_table(**kwargs)
        if self.request.user.has_perm("authorizations.add_flow"):
            table.empty_url, table.empty_action = reverse("flow_create"), "New flow"
        return table


class FlowEditView(PermissionRequiredMixin, View):
    """A new flow, or one that is there (`pk`).

    A post saves; with `preview` it only shows what would be saved, with `fill` (or GET `url`) it fills the form from a
    pasted URL. All three work without scripts.
    """

    permission_required = "authorizations.change_flow"

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        flow = get_object_or_404(Flow, pk=pk) if pk else None
        if "url" in request.GET:
            return self._fill(request, flow, request.GET["url"])
        return self._show(request, flow, FlowForm(instance=flow))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        flow = get_object_or_404(Flow, pk=pk) if pk else None
        if "fill" in request.POST:
            return self._fill(request, flow, request.POST.get("url", ""))
        form = FlowForm(request.POST, instance=flow)
        if "preview" in request.POST:
            form.is_valid()
            return self._show(request, flow, form)
        if form.is_valid() and self._save(request, form):
            messages.success(request, f"The flow “{form.instance}” is saved.")
            return redirect("flow_update", form.instance.pk) if pk else redirect("flow_request", form.instance.pk)
        return self._show(request, flow, form, status=422)

    def _save(self, request: HttpRequest, form: FlowForm) -> bool:
        try:
            save_flow(flow=form.instance, utilities=form.cleaned_data["utilities"], by=user_of(request))
        except FlowRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        except IntegrityError:
            form.add_error(None, "The utilities or the flow were changed by somebody else in this moment: look again.")
        return form.is_valid()

    def _fill(self, request: HttpRequest, flow: Flow | None, url: str) -> HttpResponse:
        try:
            pasted = read_pasted_url(url)
        except UrlError as error:
            form = FlowForm(instance=flow, initial=_typed(request))
            return self._show(request, flow, form, pasted_url=url, url_problems=error.problems)
        initial: dict[str, Any] = {**_typed(request), **pasted.values}
        if pasted.utilities:
            initial["utilities"] = [utility.pk for utility in pasted.utilities]
        form = FlowForm(instance=flow, initial=initial)
        return self._show(request, flow, form, pasted_url=url, pasted=pasted)

    def _show(
        self,
        request: HttpRequest,
        flow: Flow | None,
        form: FlowForm,
        *,
        status: int = 200,
        pasted_url: str = "",
        pasted: PastedFlow | None = None,
        **context: Any,
    ) -> HttpResponse:
        # A refused change must not stand in the heading: the flow is read anew.
        flow = Flow.objects.get(pk=flow.pk) if flow else None
        context |= {
            "form": form,
            "flow": flow,
            "paste_form": PasteForm(initial={"url": pasted_url}),
            "pasted": pasted,
            **_preview(form),
        }
        return render(request, "authorizations/flow_form.html", context, status=status)


class FlowCreateView(FlowEditView):
    permission_required = "authorizations.add_flow"


class FlowUpdateView(FlowEditView):
    permission_required = "authorizations.change_flow"


class FlowPreviewView(PermissionRequiredMixin, View):
    """The preview beside the form, while somebody types (htmx)."""

    permission_required = "authorizations.change_flow"

    def post(self, request: HttpRequest) -> HttpResponse:
        return render(request, "authorizations/_flow_preview.html", _preview(FlowForm(request.POST)))


class FlowStateView(PermissionRequiredMixin, View):
    """Asks, then sets a flow live or retires it."""

    permission_required = "authorizations.change_flow"
    goal = "live"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = get_object_or_404(Flow.objects.with_utilities().with_live_link_counts(), pk=pk)
        if flow.state == self.goal:
            messages.info(request, f"The flow “{flow}” is {flow.get_state_display()} already.")
            return redirect("flow_update", pk)
        problems = find_problems(flow=flow, utilities=list(flow.utilities.all())) if self.goal == "live" else []
        context = {"flow": flow, "goal": self.goal, "problems": problems}
        return render(request, "authorizations/flow_state.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = get_object_or_404(Flow, pk=pk)
        if self.goal == "retired":
            retire(flow=flow)
            messages.success(request, f"The flow “{flow}” is retired: no new links come from it.")
            return redirect("flow_list")
        try:
            set_live(flow=flow)
        except FlowRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("flow_update", pk)
        messages.success(request, f"The flow “{flow}” is live: links can be issued from it.")
        return redirect("flow_list")


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What already stood in the fields when a URL was pasted (htmx sends it along): it is kept."""
    typed: dict[str, Any] = {
        name: request.POST[name] for name in FlowForm.base_fields if name in request.POST and name != "utilities"
    }
    if "utilities" in request.POST:
        typed["utilities"] = read_keys(request.POST.getlist("utilities"))
    return typed


def _preview(form: FlowForm) -> dict[str, Any]:
    flow, utilities = form.draft()
    return {
        "draft": flow,
        "examples": make_examples(flow=flow, utilities=utilities),
        "problems": [
            (form.fields[problem.field].label, problem.reason)
            for problem in find_problems(flow=flow, utilities=utilities)
        ],
    }


def _day(moment: Any) -> str:
    return timezone.localdate(moment).isoformat() if moment else ""
