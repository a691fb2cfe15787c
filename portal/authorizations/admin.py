"""Django's own admin: every model, in the same dress. What it changes goes through the same forms and services."""

from collections.abc import Callable
from dataclasses import replace
from functools import partialmethod
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.accounts.admin import ReadOnlyAdmin
from portal.authorizations import admin_desk, admin_doors  # noqa: F401 (admin_doors registers what belongs to the door)
from portal.authorizations.forms.campaigns import CampaignForm
from portal.authorizations.forms.customers import CustomerForm
from portal.authorizations.forms.links import IssueForm, VoidForm
from portal.authorizations.models import (
    Batch,
    Campaign,
    Confirmation,
    Connection,
    Customer,
    CustomerImport,
    Enrollment,
    EnrollmentDeadline,
    Event,
    Flow,
    Installation,
    KeptLink,
    LandingPage,
    Link,
    LinkRequest,
    Meter,
    MeterMatch,
    PaperAuthorization,
    PrinterSettings,
    PrintJob,
    PrintLabel,
    RequiredAction,
    SyncRun,
    Utility,
    Visit,
)
from portal.authorizations.services.campaigns import save_basics
from portal.authorizations.services.customers import ChangeRefused, add_customer, change_customer
from portal.authorizations.services.jobs import create_issue_job
from portal.authorizations.services.links import void_links
from portal.authorizations.views import timelines
from portal.authorizations.views.jobs import start
from portal.authorizations.views.lists import user_of


class WordSearch(admin.ModelAdmin[Any]):
    """Searches by the index of words, as the portal's own lists do."""

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        return (queryset.search(search_term) if search_term else queryset), False  # type: ignore[attr-defined]


class StaffFormAdmin(admin.ModelAdmin[Any]):
    """Rows that change by the form of their own screen, which asks who fills it in."""

    list_per_page = 50
    show_full_result_count = False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"__init__": partialmethod(form.__init__, user=user_of(request))})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Customers are erased and campaigns discarded, on their own screens: the audit says so, and counts stay."""
        return False


def on_its_screen(name: str) -> Callable[[Any, Model], str]:
    """Return a ModelAdmin's `view_on_site`: the button that leads to the row's own screen in the portal."""
    return lambda _, row: reverse(name, args=[row.pk])


@admin.register(Customer)
class CustomerAdmin(admin_desk.ErasableAdmin, WordSearch, StaffFormAdmin):
    form = CustomerForm
    view_on_site = on_its_screen("customer_detail")
    list_display = ("__str__", "company", "email", "utility", "customer_type", "assigned_rep", "external_id")
    list_filter = ("utility__region", "utility", "customer_type", "language", "assigned_rep")
    search_fields = ("words",)
    list_select_related = ("utility", "assigned_rep")
    actions = ("issue_links", "erase")

    @admin.action(description="Issue links", permissions=["issue"])
    def issue_links(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse | None:
        """Ask for flow and campaign, then issue as everywhere."""
        form = IssueForm(request.POST if "flow" in request.POST else None)
        if not form.is_bound or not form.is_valid():
            context = _action_page(self, request, queryset, title="Issue links for", form=form)
            return render(request, "admin/authorizations/customer/issue_links.html", context)
        job = create_issue_job(
            customers=queryset,
            flow=form.cleaned_data["flow"],
            campaign=form.cleaned_data["campaign"],
            utilities=form.wanted_utilities,
            created_by=user_of(request),
        )
        return start(job)

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authorizations.add_link")

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        if change:
            try:
                change_customer(customer=obj, fields=form.changed_data)
            except ChangeRefused as refusal:
                raise Http404(str(refusal)) from refusal
        else:
            add_customer(customer=obj, added_by=user_of(request))


@admin.register(Link)
class LinkAdmin(WordSearch, ReadOnlyAdmin):
    """Links are issued, replaced and voided by services only: their URL never changes."""

    view_on_site = on_its_screen("link_detail")
    list_display = ("title", "reference_id", "flow", "campaign", "status", "issued_at", "is_live")
    list_filter = ("status", "flow", "campaign")
    search_fields = ("words",)
    list_select_related = ("customer", "flow", "campaign")
    actions = ("void",)
    fields = (
        "void_it",
        "customer",
        "label",
        "flow",
        "campaign",
        "utility",
        "requested",
        "reference_id",
        "url",
        "short_url",
        "qr_code",
        "status",
        "what_we_saw",
        "what_a_browser_claims",
        "what_leap_says",
        "issued_by",
        "issued_at",
        "replaced_by",
        "voided_at",
        "voided_by",
        "void_reason",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Link]:
        return Link.objects.handed_out()

    @admin.display(description="void")
    def void_it(self, link: Link) -> str:
        if link.voided_at:
            return "It is void already."
        return format_html('<a href="{}">Void this link</a>', reverse("link_void", args=[link.pk]))

    @admin.display(boolean=True, description="live")
    def is_live(self, link: Link) -> bool:
        return link.is_live

    @admin.display(description="requested utilities")
    def requested(self, link: Link) -> str:
        return ", ".join(utility.short_name for utility in link.utilities_asked) or "all of the flow"

    @admin.display(description="short link")
    def short_url(self, link: Link) -> str:
        return link.short_url

    @admin.display(description="QR code")
    def qr_code(self, link: Link) -> SafeString:
        return format_html(
            '<a href="{}"><img src="{}" alt="QR code of the short link" width="200" height="200"></a>',
            reverse("link_code", args=[link.pk]),
            reverse("link_qr", args=[link.pk, "svg"]),
        )

    @admin.display(description="what we saw")
    def what_we_saw(self, link: Link) -> SafeString:
        return _lines(timelines.what_we_saw(link))

    @admin.display(description="what a browser claims")
    def what_a_browser_claims(self, link: Link) -> SafeString:
        return _lines(timelines.what_a_browser_claims(link))

    @admin.display(description="what Leap says")
    def what_leap_says(self, link: Link) -> SafeString:
        groups = timelines.what_leap_says(link)
        return _lines([_under(group.title, entry) for group in groups for entry in group.entries])

    @admin.action(description="Void links", permissions=["void"])
    def void(self, request: HttpRequest, queryset: QuerySet[Link]) -> HttpResponse | None:
        """Ask for the reason, then void as everywhere."""
        form = VoidForm(request.POST if "reason" in request.POST else None)
        if form.is_bound and form.is_valid():
            count = void_links(links=queryset, voided_by=user_of(request), reason=form.cleaned_data["reason"])
            messages.success(request, f"{count} link{'' if count == 1 else 's'} voided.")
            return None
        context = _action_page(self, request, queryset, title="Void", form=form)
        return render(request, "admin/authorizations/link/void.html", context)

    def has_void_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authorizations.void_link")


def _action_page(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any], *, title: str, form: Any
) -> dict[str, Any]:
    """Context of the page that asks, between choosing an action and doing it."""
    opts, count = model_admin.opts, queryset.count()
    across = request.POST.get("select_across") == "1"
    return {
        **model_admin.admin_site.each_context(request),
        "title": f"{title} {count:,} {opts.verbose_name if count == 1 else opts.verbose_name_plural}",
        "form": form,
        "opts": opts,
        # “All of the list” is chosen by the list's filters: a hundred thousand hidden fields would be refused.
        # Django wants one all the same.
        "chosen": queryset.values_list("pk", flat=True)[: 1 if across else None],
        "select_across": "1" if across else "0",
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }


def _under(title: str, entry: timelines.Entry) -> timelines.Entry:
    return replace(entry, text=f"{title}: {entry.text}") if title else entry


def _lines(entries: list[timelines.Entry]) -> SafeString:
    if not entries:
        return SafeString("–")
    return format_html_join(
        SafeString("<br>"),
        "{}{}",
        ((entry.text, f" ({entry.detail})" if entry.detail else "") for entry in entries),
    )


@admin.register(Flow)
class FlowAdmin(ReadOnlyAdmin):
    """Flows change on their own screen, which knows the rules across tables and shows the URL."""

    view_on_site = on_its_screen("flow_update")

    list_display = ("name", "journey", "org_name", "title", "region", "state")
    list_filter = ("journey", "state", "utilities__region")
    search_fields = ("name", "title")


@admin.register(Utility)
class UtilityAdmin(ReadOnlyAdmin):
    """Utilities change on their own screen, which names the flows that a change would break."""

    view_on_site = on_its_screen("utility_update")

    list_display = ("name", "utility_id", "short_name", "leap_name", "region", "supports_legacy", "supports_connect")
    list_filter = ("region",)
    search_fields = ("name", "utility_id", "short_name")


@admin.register(Campaign)
class CampaignAdmin(StaffFormAdmin):
    form = CampaignForm
    view_on_site = on_its_screen("campaign_detail")
    list_display = ("name", "flow", "channel", "state", "owner", "starts_on", "ends_on")
    list_filter = ("state", "channel", "flow")
    search_fields = ("name",)
    list_select_related = ("flow", "owner")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A campaign begins in the wizard, which asks for what it needs."""
        return False

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        save_basics(campaign=obj)


@admin.register(Visit)
class VisitAdmin(ReadOnlyAdmin):
    list_display = ("at", "link", "via", "ip", "user_agent")
    list_select_related = ("link__customer", "via__customer")


@admin.register(Confirmation)
class ConfirmationAdmin(ReadOnlyAdmin):
    list_display = ("at", "outcome", "link", "repeated", "is_bot", "reference_id", "authorization_id")
    list_filter = ("outcome", "repeated", "is_bot")
    list_select_related = ("link__customer",)


@admin.register(CustomerImport)
class CustomerImportAdmin(ReadOnlyAdmin):
    list_display = ("file_name", "state", "new_count", "changed_count", "same_count", "refused_count", "uploaded_by")
    list_filter = ("state",)


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    list_display = ("partner_name", "leap_environment", "support_email")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "event_type", "link", "utility_name", "event_status", "is_known", "problem")
    list_filter = ("is_known",)
    list_select_related = ("link__customer",)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = ("link", "utility_name", "state", "started_at", "completed_at", "failed_at")
    list_select_related = ("link__customer",)


@admin.register(Meter)
class MeterAdmin(WordSearch, ReadOnlyAdmin):
    list_display = ("meter_id", "partner_reference", "utility_name", "region", "enrollment_status", "is_archived")
    list_filter = ("region", "utility", "is_archived")
    search_fields = ("words",)


@admin.register(MeterMatch)
class MeterMatchAdmin(ReadOnlyAdmin):
    list_display = ("meter", "link", "paper", "matched_by", "matched_at")
    list_filter = ("matched_by",)
    list_select_related = ("meter", "link__customer", "paper__customer")


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ("meter", "program", "delivery_period", "status")
    list_select_related = ("meter",)


@admin.register(EnrollmentDeadline)
class EnrollmentDeadlineAdmin(ReadOnlyAdmin):
    list_display = ("deadline_at", "enrollment", "active_from")
    list_select_related = ("enrollment",)


@admin.register(RequiredAction)
class RequiredActionAdmin(ReadOnlyAdmin):
    list_display = ("meter", "party", "action_type", "action_code", "program", "deadline_at")
    list_filter = ("party",)
    list_select_related = ("meter",)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "full", "state", "created", "changed", "same", "unmatched", "malformed", "error")
    list_filter = ("state", "full")


@admin.register(PaperAuthorization)
class PaperAuthorizationAdmin(ReadOnlyAdmin):
    list_display = ("customer", "utility", "form", "signed_on", "sent_on", "reference_id", "metered_at")
    list_filter = ("form", "utility")
    list_select_related = ("customer", "utility")
    # The scan is shown on its own screen, to those who may see it.
    exclude = ("scan",)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "issued_by", "created_at")
    list_select_related = ("issued_by",)


@admin.register(KeptLink)
class KeptLinkAdmin(ReadOnlyAdmin):
    list_display = ("batch", "link", "differs")
    list_filter = ("differs",)
    list_select_related = ("batch", "link__customer")


@admin.register(LandingPage)
class LandingPageAdmin(ReadOnlyAdmin):
    list_display = ("flow", "slug", "is_open", "campaign")
    list_select_related = ("flow", "campaign")


@admin.register(LinkRequest)
class LinkRequestAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "landing_page", "state", "problem")
    list_select_related = ("landing_page__flow",)
    list_filter = ("state",)


@admin.register(PrintJob)
class PrintJobAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "chosen", "stock", "label_count", "state", "created_by", "created_at")
    list_filter = ("state", "stock")
    list_select_related = ("created_by",)
    # The sheets are handed out on the job's own screen, to those who may have them.
    exclude = ("file",)
    view_on_site = on_its_screen("print_detail")


@admin.register(PrintLabel)
class PrintLabelAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "job", "link", "number")
    list_select_related = ("job", "link__customer")
    raw_id_fields = ("job", "link")


@admin.register(PrinterSettings)
class PrinterSettingsAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "stock", "offset_x_mm", "offset_y_mm", "left_margin_mm", "top_margin_mm")
    list_select_related = ("user",)
