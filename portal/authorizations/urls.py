"""The staff's screens. Everything here needs sign-in, and each view a permission."""

from django.urls import URLPattern, path, re_path

from portal.authorizations.views import (
    campaigns,
    confirmations,
    customers,
    embed,
    events,
    flows,
    funnel,
    guide,
    home,
    imports,
    installation,
    leap_requests,
    link_issue,
    link_qr,
    links,
    meter_sync,
    meters,
    paper,
    people,
    plan,
    utilities,
    webhooks,
)

urlpatterns: list[URLPattern] = [
    path("", home.HomeView.as_view(), name="home"),
    path("search/", home.SearchView.as_view(), name="search"),
    path("guide/", guide.GuideView.as_view(), name="guide"),
    # Customers.
    path("customers/", customers.CustomerListView.as_view(), name="customer_list"),
    path("customers/new/", customers.CustomerCreateView.as_view(), name="customer_create"),
    path("customers/assign/", customers.CustomerAssignView.as_view(), name="customer_assign"),
    path("customers/export/", customers.CustomerExportView.as_view(), name="customer_export"),
    path("customers/import/", imports.CustomerImportView.as_view(), name="customer_import"),
    path("customers/import/<int:pk>/", imports.CustomerImportDetailView.as_view(), name="customer_import_detail"),
    path(
        "customers/import/<int:pk>/columns/",
        imports.CustomerImportColumnsView.as_view(),
        name="customer_import_columns",
    ),
    path("customers/import/<int:pk>/apply/", imports.CustomerImportApplyView.as_view(), name="customer_import_apply"),
    path(
        "customers/import/<int:pk>/cancel/", imports.CustomerImportCancelView.as_view(), name="customer_import_cancel"
    ),
    path(
        "customers/import/<int:pk>/restart/",
        imports.CustomerImportRestartView.as_view(),
        name="customer_import_restart",
    ),
    re_path(
        r"^customers/import/(?P<pk>[0-9]{1,18})/(?P<which>refused|links)\.csv\Z",
        imports.CustomerImportFileView.as_view(),
        name="customer_import_file",
    ),
    path("customers/<int:pk>/", customers.CustomerDetailView.as_view(), name="customer_detail"),
    path("customers/<int:pk>/paper/", paper.PaperCreateView.as_view(), name="customer_paper"),
    path("customers/<int:pk>/edit/", customers.CustomerUpdateView.as_view(), name="customer_update"),
    # Campaigns.
    path("campaigns/", campaigns.CampaignListView.as_view(), name="campaign_list"),
    path("campaigns/new/", campaigns.CampaignCreateView.as_view(), name="campaign_create"),
    path("campaigns/<int:pk>/", campaigns.CampaignDetailView.as_view(), name="campaign_detail"),
    path("campaigns/<int:pk>/edit/", campaigns.CampaignUpdateView.as_view(), name="campaign_update"),
    # Confirmations.
    path("confirmations/", confirmations.ConfirmationListView.as_view(), name="confirmation_list"),
    path("confirmations/suspicious/", confirmations.SuspiciousListView.as_view(), name="suspicious_list"),
    # Leap's events.
    path("events/", events.EventListView.as_view(), name="event_list"),
    path("events/<int:pk>/", events.EventDetailView.as_view(), name="event_detail"),
    # Meters, the enrollment plan and the funnel.
    path("meters/", meters.MeterListView.as_view(), name="meter_list"),
    path("meters/sync/", meter_sync.MeterSyncView.as_view(), name="meter_sync"),
    path("meters/<int:pk>/", meters.MeterDetailView.as_view(), name="meter_detail"),
    path("plan/", plan.PlanListView.as_view(), name="plan_list"),
    path("funnel/", funnel.FunnelView.as_view(), name="funnel"),
    # Links.
    path("links/", links.LinkListView.as_view(), name="link_list"),
    path("links/export/", links.LinkExportView.as_view(), name="link_export"),
    path("links/void/", links.LinkVoidView.as_view(), name="link_void_selection"),
    path("links/issue/", link_issue.LinkIssueView.as_view(), name="link_issue"),
    path("links/issue/selection/", link_issue.LinkIssueSelectionView.as_view(), name="link_issue_selection"),
    path("links/issue/shared/", link_issue.LinkIssueSharedView.as_view(), name="link_issue_shared"),
    path("links/<int:pk>/", links.LinkDetailView.as_view(), name="link_detail"),
    path("links/<int:pk>/code/", links.LinkCodeView.as_view(), name="link_code"),
    path("links/<int:pk>/void/", links.LinkVoidView.as_view(), name="link_void"),
    path("links/<int:pk>/replace/", links.LinkReplaceView.as_view(), name="link_replace"),
    path("links/<int:pk>/embed/", embed.LinkEmbedView.as_view(), name="link_embed"),
    path("links/<int:pk>/embed/<str:kind>/", embed.LinkEmbedPreviewView.as_view(), name="link_embed_preview"),
    re_path(r"^links/(?P<pk>[0-9]{1,18})/qr\.(?P<extension>svg|png|pdf)\Z", link_qr.link_qr, name="link_qr"),
    path("links/batches/<int:pk>/anew/", link_issue.BatchReplaceView.as_view(), name="batch_replace"),
    path("jobs/<int:pk>/", link_issue.JobDetailView.as_view(), name="job_detail"),
    # Paper.
    path("paper/", paper.PaperListView.as_view(), name="paper_list"),
    path("paper/<int:pk>/", paper.PaperDetailView.as_view(), name="paper_detail"),
    path("paper/<int:pk>/scan", paper.PaperScanView.as_view(), name="paper_scan"),
    path("paper/<int:pk>/sent/", paper.PaperSentView.as_view(), name="paper_sent"),
    path("paper/<int:pk>/withdraw/", paper.PaperWithdrawView.as_view(), name="paper_withdraw"),
    # Flows.
    path("flows/", flows.FlowListView.as_view(), name="flow_list"),
    path("flows/new/", flows.FlowCreateView.as_view(), name="flow_create"),
    path("flows/utilities/", link_issue.FlowUtilitiesView.as_view(), name="flow_utilities"),
    path("flows/preview/", flows.FlowPreviewView.as_view(), name="flow_preview"),
    path("flows/confirmation-page/", leap_requests.ConfirmationRequestView.as_view(), name="confirmation_request"),
    path("flows/<int:pk>/", flows.FlowUpdateView.as_view(), name="flow_update"),
    path("flows/<int:pk>/request/", leap_requests.FlowRequestView.as_view(), name="flow_request"),
    path("flows/<int:pk>/embed/", embed.FlowEmbedView.as_view(), name="flow_embed"),
    path("flows/<int:pk>/embed/<str:kind>/", embed.FlowEmbedPreviewView.as_view(), name="flow_embed_preview"),
    re_path(r"^flows/(?P<pk>[0-9]{1,18})/qr\.(?P<extension>svg|png|pdf)\Z", link_qr.flow_qr, name="flow_qr"),
    path("flows/<int:pk>/live/", flows.FlowStateView.as_view(goal="live"), name="flow_live"),
    path("flows/<int:pk>/retire/", flows.FlowStateView.as_view(goal="retired"), name="flow_retire"),
    # Utilities.
    path("utilities/", utilities.UtilityListView.as_view(), name="utility_list"),
    path("utilities/new/", utilities.UtilityCreateView.as_view(), name="utility_create"),
    path("utilities/<int:pk>/", utilities.UtilityUpdateView.as_view(), name="utility_update"),
    # People.
    path("people/", people.UserListView.as_view(), name="user_list"),
    path("people/new/", people.UserCreateView.as_view(), name="user_create"),
    path("people/<int:pk>/", people.UserUpdateView.as_view(), name="user_update"),
    path("people/<int:pk>/invite/", people.UserInviteView.as_view(), name="user_invite"),
    path("people/<int:pk>/disable/", people.UserDisableView.as_view(), name="user_disable"),
    path("people/<int:pk>/enable/", people.UserEnableView.as_view(), name="user_enable"),
    # The webhook at Leap.
    path("webhook/", webhooks.WebhookView.as_view(), name="webhook"),
    # Installation.
    path("installation/", installation.InstallationUpdateView.as_view(), name="installation_update"),
]
