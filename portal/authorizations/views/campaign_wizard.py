"""The wizard: a draft campaign step by step, each a page with an address of its own, to the review before launch."""

from copy import copy
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.generic import View

from portal.authorizations.filters.audience import (
    MOST_TICKED,
    Audience,
    find_audience,
    keep_query,
    list_imports,
    read_audience,
)
from portal.authorizations.filters.customers import CustomerFilterSet
from portal.authorizations.forms.campaigns import (
    CampaignFlowForm,
    CampaignForm,
    CampaignPrintForm,
    NewCampaignForm,
)
from portal.authorizations.models import AudienceKind, Campaign, CampaignState, Flow, Link
from portal.authorizations.requests import PortalRequest
from portal.authorizations.services import campaigns, printing
from portal.authorizations.services.campaign_print import propose_stock, request_of
from portal.authorizations.services.campaign_review import WITHOUT_LINKED, review_campaign
from portal.authorizations.services.campaigns import CampaignRefused
from portal.authorizations.services.closed_campaigns import CampaignClosed
from portal.authorizations.services.flow_preview import make_examples
from portal.authorizations.services.printers import get_printer
from portal.authorizations.views.lists import read_keys, user_of
from portal.authorizations.views.printers import draw_stock
from portal.authorizations.views.printing import FIRST_STOCK
from portal.printing.stocks import STOCKS, PrintRefusedError

#: How many imports and ticked customers the page of the audience shows.
SHOWN = 20
#: The page where each step is done; also those that a review's blockers name.
ADDRESSES = {
    "basics": "campaign_update",
    "audience": "campaign_audience",
    "flow": "campaign_flow",
    "message": "campaign_message",
    "print": "campaign_print",
    "review": "campaign_review",
}


class Step(NamedTuple):
    """A step of the wizard in the bar above its pages."""

    label: str
    url: str
    is_current: bool


def list_steps(campaign: Campaign | None, current: str) -> list[Step]:
    """The steps of a campaign by its channel; of a new one those that every campaign has."""
    third = [("message", "Message")] if campaign and campaign.is_mailed else []
    third = third or ([("print", "Print")] if campaign and campaign.is_printed else [])
    names = [("basics", "Campaign"), ("audience", "Audience"), ("flow", "Flow"), *third, ("review", "Review")]
    return [
        Step(label, reverse(ADDRESSES[name], args=[campaign.pk]) if campaign else "", name == current)
        for name, label in names
    ]


def step_after(campaign: Campaign, step: str) -> str:
    """The address of the page that follows a step; of a campaign that was launched its own page."""
    if not campaign.is_draft:
        return reverse("campaign_detail", args=[campaign.pk])
    steps = [each.url for each in list_steps(campaign, step)]
    here = reverse(ADDRESSES[step], args=[campaign.pk])
    return steps[steps.index(here) + 1]


class CampaignCreateView(PermissionRequiredMixin, View):
    """A new campaign becomes a draft. A post from the list of customers brings its audience along."""

    permission_required = "authorizations.add_campaign"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, self._form(request, None, self._chosen(request.GET)), self._chosen(request.GET))

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = self._chosen(request.POST)
        if "name" not in request.POST:
            if not chosen:
                messages.warning(request, "No customers were chosen: tick the rows first.")
                return redirect("customer_list")
            return self._show(request, self._form(request, None, chosen), chosen)
        form = self._form(request, request.POST, chosen)
        if form.is_valid():
            audience = chosen or ({"kind": kind} if (kind := form.cleaned_data["audience"]) else {})
            try:
                draft = campaigns.create_draft(campaign=form.instance, audience=audience)
            except IntegrityError:
                form.add_error("name", "Somebody else has just saved a campaign of this name.")
            else:
                return redirect("campaign_audience", draft.pk)
        return self._show(request, form, chosen)

    def _form(self, request: HttpRequest, data: QueryDict | None, chosen: dict[str, Any]) -> NewCampaignForm:
        return NewCampaignForm(data, user=user_of(request), is_chosen=bool(chosen))

    def _chosen(self, data: QueryDict) -> dict[str, Any]:
        """The audience that comes along: all that match the list's filters, its ticked rows, or an import."""
        if data.get("all"):
            return {"kind": AudienceKind.FILTER.value, "query": keep_query(QueryDict(data.get("query", "")))}
        if ids := read_keys(data.getlist("select")):
            return {"kind": AudienceKind.SELECTION.value, "ids": ids[:MOST_TICKED]}
        if imported := read_keys([data.get("import", "")]):
            return {"kind": AudienceKind.IMPORT.value, "import": imported[0]}
        return {}

    def _show(self, request: HttpRequest, form: NewCampaignForm, chosen: dict[str, Any]) -> HttpResponse:
        context = {
            "form": form,
            "steps": list_steps(None, "basics"),
            "chosen": chosen,
            "audience": read_audience(audience=chosen, request=request) if chosen else None,
            "has_flows": Flow.objects.live().exists(),
        }
        return render(request, "authorizations/campaign_form.html", context, status=422 if form.errors else 200)


class CampaignStepView(PermissionRequiredMixin, View):
    """A page of a campaign that is there. A step that the launch has settled leads to the campaign's own page."""

    permission_required = "authorizations.change_campaign"
    step: ClassVar[str]
    draft_only: ClassVar[bool] = True
    request: PortalRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.has_permission():
            return self.handle_no_permission()
        self.campaign = get_object_or_404(Campaign.objects.select_related("flow", "owner"), pk=kwargs["pk"])
        if self.draft_only and not self.campaign.is_draft:
            if request.method == "POST":
                messages.warning(request, "The campaign was launched meanwhile: this cannot change any more.")
            return redirect("campaign_detail", self.campaign.pk)
        return super().dispatch(request, *args, **kwargs)

    def show(self, form: Form | Any, **context: Any) -> HttpResponse:
        context |= {"campaign": self.campaign, "form": form, "steps": list_steps(self.campaign, self.step)}
        template = f"authorizations/campaign_{'form' if self.step == 'basics' else self.step}.html"
        status = 422 if form is not None and form.is_bound and form.errors else 200
        return render(self.request, template, context, status=status)

    def go_on(self) -> HttpResponse:
        return redirect(step_after(self.campaign, self.step))


class OpenCampaignView(View):
    """A page that changes what a campaign does: one that is closed leads to its own page, and says why.

    Stands behind the class that asks for permissions.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            if Campaign.objects.filter(pk=kwargs["pk"], state=CampaignState.CLOSED).exists():
                raise CampaignClosed
            return super().dispatch(request, *args, **kwargs)
        except CampaignClosed:
            messages.warning(request, "The campaign is closed, for good: this cannot change any more.")
            return redirect("campaign_detail", kwargs["pk"])


class CampaignUpdateView(CampaignStepView):
    """Name, channel, dates and owner, of a draft or of a campaign that runs."""

    step = "basics"
    draft_only = False

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._show(CampaignForm(instance=self.campaign, user=user_of(request)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = CampaignForm(request.POST, instance=self.campaign, user=user_of(request))
        if form.is_valid():
            try:
                campaigns.save_basics(campaign=form.instance)
            except CampaignRefused as refusal:
                form.add_error("channel", str(refusal))
            except IntegrityError:
                form.add_error("name", "Somebody else has just saved a campaign of this name.")
            else:
                if not self.campaign.is_draft:
                    messages.success(request, "Saved.")
                return self.go_on()
        # Read anew: a refused change must not stand in the heading.
        self.campaign = Campaign.objects.get(pk=pk)
        return self._show(form)

    def _show(self, form: CampaignForm) -> HttpResponse:
        return self.show(form, has_flows=True, chosen={}, audience=None)


class CampaignAudienceView(CampaignStepView):
    """Whom the campaign asks, with a live count; nothing of it is kept before the draft is saved."""

    step = "audience"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        saved = self.campaign.audience
        kind = request.GET.get("kind", saved.get("kind", ""))
        audience = saved if kind == saved.get("kind", "") else {"kind": kind}
        return self._show(audience, kind)

    def post(self, request: PortalRequest, pk: int) -> HttpResponse:
        kind = request.POST.get("kind", "")
        audience = self._read(kind)
        if request.htmx or "count" in request.POST:
            return self._show(audience, kind, counts=True)
        found = read_audience(audience=audience, request=request)
        if found.problem:
            return self._show(audience, kind, counts=True, status=422)
        try:
            campaigns.choose_audience(campaign=self.campaign, audience=audience)
        except CampaignRefused as refusal:
            messages.warning(request, str(refusal))
            return redirect("campaign_detail", pk)
        if kind and not found.customers.exists():
            messages.warning(
                request,
                "Saved, but nobody matches now: choose another audience, or go on if customers are still to come.",
            )
        return self.go_on()

    def _read(self, kind: str) -> dict[str, Any]:
        audience = self._read_kind(kind)
        return {**audience, WITHOUT_LINKED: True} if audience and WITHOUT_LINKED in self.request.POST else audience

    def _read_kind(self, kind: str) -> dict[str, Any]:
        if kind == AudienceKind.FILTER:
            return {"kind": kind, "query": keep_query(self.request.POST)}
        if kind == AudienceKind.IMPORT:
            chosen = read_keys([self.request.POST.get("import", "")])
            return {"kind": kind, "import": chosen[0] if chosen else None}
        if kind == AudienceKind.SELECTION:
            return {"kind": kind, "ids": self.campaign.audience.get("ids", [])}
        return {}

    def _show(self, audience: dict[str, Any], kind: str, *, counts: bool = False, status: int = 200) -> HttpResponse:
        found = read_audience(audience=audience, request=self.request)
        is_saved = audience == self.campaign.audience
        draft = copy(self.campaign)
        draft.audience = audience
        counted = bool(kind) and not found.problem and (counts or is_saved or kind == AudienceKind.FILTER)
        context: dict[str, Any] = {
            "campaign": self.campaign,
            "steps": list_steps(self.campaign, self.step),
            "kind": kind if kind in AudienceKind.values else "",
            "kinds": self._kinds(),
            "audience": found,
            "problem": found.problem if counts else "",
            "review": review_campaign(campaign=draft, customers=found.customers) if counted else None,
            "without_linked": audience.get(WITHOUT_LINKED, False),
            "who_url": self._who_url(audience),
        }
        if self.request.htmx:
            return render(self.request, "authorizations/_campaign_count.html", context)
        context |= self._choices(audience, kind, found)
        return render(self.request, "authorizations/campaign_audience.html", context, status=status)

    def _who_url(self, audience: dict[str, Any]) -> str:
        """Where one sees who matches: the list of customers filtered so, or the import."""
        if audience.get("kind") == AudienceKind.FILTER:
            return f"{reverse('customer_list')}?{audience.get('query', '')}"
        imported = audience.get("import")
        may_see = user_of(self.request).has_perm("authorizations.import_customer")
        return reverse("customer_import_detail", args=[imported]) if imported and may_see else ""

    def _choices(self, audience: dict[str, Any], kind: str, found: Audience) -> dict[str, Any]:
        if kind == AudienceKind.FILTER:
            return {"filter": suit_audience(found.filterset or CustomerFilterSet(QueryDict(), request=self.request))}
        if kind == AudienceKind.IMPORT:
            return {"imports": list_imports().select_related("uploaded_by")[:SHOWN], "chosen": audience.get("import")}
        if kind == AudienceKind.SELECTION:
            return {"ticked": found.customers.order_by("name", "pk")[:SHOWN]}
        return {}

    def _kinds(self) -> list[AudienceKind]:
        """Ticked customers are chosen in their list; here they are a choice if there are some."""
        ticked = self.campaign.audience_kind is AudienceKind.SELECTION
        return [kind for kind in AudienceKind if kind is not AudienceKind.SELECTION or ticked]


class CampaignFlowView(CampaignStepView, OpenCampaignView):
    """The flow that the links come from, each with its journey in words, and the utilities that they ask for."""

    step = "flow"
    draft_only = False

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = read_keys([request.GET.get("flow", "")])
        return self._show(CampaignFlowForm(campaign=self.campaign, flow=flow[0] if flow else None))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = CampaignFlowForm(request.POST, campaign=self.campaign)
        if form.is_valid():
            chosen = form.cleaned_data
            try:
                campaigns.choose_flow(
                    campaign=self.campaign, flow=chosen["flow"], utilities=list(chosen["requested_utilities"])
                )
            except CampaignRefused as refusal:
                for problem in refusal.problems:
                    form.add_error(problem.field, problem.reason)
            else:
                return self.go_on()
        return self._show(form)

    def _show(self, form: CampaignFlowForm) -> HttpResponse:
        chosen = str(form["flow"].value() or "")
        flows = [
            {
                "flow": flow,
                "is_chosen": str(flow.pk) == chosen,
                "example": next(iter(make_examples(flow=flow, utilities=list(flow.utilities.all()))), None),
            }
            for flow in form.flows
        ]
        return self.show(form, flows=flows)


class CampaignPrintView(CampaignStepView):
    """The paper, and what stands on it; or nothing now."""

    step = "print"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        wanted = request_of(self.campaign)
        initial: dict[str, Any] = {"stock": propose_stock(self.campaign)}
        if wanted:
            initial = {name: getattr(wanted, name) for name in CampaignPrintForm.base_fields}
        return self._show(CampaignPrintForm(initial=initial))

    def post(self, request: PortalRequest, pk: int) -> HttpResponse:
        if request.POST.get("stock") == "none":
            return self._save(None) if not request.htmx else self._show(CampaignPrintForm(initial={"stock": ""}))
        form = CampaignPrintForm(request.POST)
        if not form.is_valid() or request.htmx or "preview" in request.POST:
            return self._show(form)
        try:
            printing.check_request(form.request)
        except PrintRefusedError as refusal:
            form.refuse(refusal)
            return self._show(form)
        return self._save(form.request)

    def _save(self, wanted: printing.PrintRequest | None) -> HttpResponse:
        try:
            campaigns.choose_print(campaign=self.campaign, request=wanted)
        except CampaignRefused as refusal:
            messages.warning(self.request, str(refusal))
            return redirect("campaign_detail", self.campaign.pk)
        return self.go_on()

    def _show(self, form: CampaignPrintForm) -> HttpResponse:
        user = user_of(self.request)
        found = find_audience(campaign=self.campaign, request=self.request)
        review = review_campaign(campaign=self.campaign, customers=found.customers)
        preview = None
        if form.is_bound and form.is_valid() and review.sample:
            customer = review.sample.customer
            link = Link(customer=customer, campaign=self.campaign, code=review.sample.code, url=review.sample.url)
            try:
                preview = printing.preview_unissued(links=[link], request=form.request, user=user)
            except PrintRefusedError as refusal:
                form.refuse(refusal)
        stock = STOCKS.get(str(form["stock"].value()), STOCKS[FIRST_STOCK])
        context = {
            "preview": preview,
            "choice": {"printed": review.reached},
            "stock": stock,
            "pages": stock.pages_for(review.reached, start_at=form.first_label),
            "printer": get_printer(user=user, stock=stock),
            "stocks": [draw_stock(known) for known in STOCKS.values()],
        }
        if self.request.htmx:
            return render(self.request, "authorizations/_print_preview.html", {**context, "form": form})
        return self.show(form, **context)


def suit_audience(filterset: CustomerFilterSet) -> CustomerFilterSet:
    """Offer no drafts, which have no links; and say “Any” where a list's filters, without labels, name themselves."""
    fields: dict[str, Any] = filterset.form.fields
    if "campaign" in fields:
        fields["campaign"].queryset = fields["campaign"].queryset.exclude(state=CampaignState.DRAFT)
    for field in fields.values():
        if hasattr(field, "empty_label"):
            field.empty_label = "Any"
            # A copy of a field still has the choices of the first one in its widget.
            field.widget.choices = field.choices
    return filterset
