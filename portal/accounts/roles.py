"""The three roles as groups of permissions. `sync_roles` writes them to the database.

A person's rights are Django permissions; no code asks for a role's name to allow something.
"""

from enum import StrEnum


class Role(StrEnum):
    """Group names, the most powerful first."""

    ADMIN = "admin"
    PROGRAM_MANAGER = "program manager"
    FIELD_REP = "field rep"


REP_PERMISSIONS = frozenset(
    {
        "authorizations.view_customer",
        "authorizations.add_customer",
        "authorizations.change_customer",
        "authorizations.view_link",
        "authorizations.add_link",
        "authorizations.add_doorcall",
        "authorizations.view_doorcall",
        "authorizations.view_paperauthorization",
        "authorizations.add_paperauthorization",
        "authorizations.view_printjob",
        "authorizations.add_printjob",
    }
)

MANAGER_PERMISSIONS = REP_PERMISSIONS | {
    "authorizations.view_every_customer",
    "authorizations.assign_customer",
    "authorizations.import_customer",
    "authorizations.export_customer",
    "authorizations.view_every_link",
    "authorizations.void_link",
    "authorizations.export_link",
    "authorizations.issue_shared_link",
    "authorizations.view_campaign",
    "authorizations.add_campaign",
    "authorizations.change_campaign",
    "authorizations.view_message",
    "authorizations.change_message",
    "authorizations.view_mail",
    "authorizations.change_mail",
    "authorizations.send_mail",
    "authorizations.view_mailstop",
    "authorizations.add_mailstop",
    "authorizations.view_outage",
    "authorizations.add_outage",
    "authorizations.change_outage",
    "authorizations.view_outagefeed",
    "authorizations.view_reauthorization",
    "authorizations.change_reauthorization",
    "authorizations.view_landingpage",
    "authorizations.change_landingpage",
    "authorizations.view_linkrequest",
    "authorizations.view_confirmation",
    "authorizations.view_visit",
    "authorizations.view_doorkit",
    "authorizations.change_doorkit",
    "authorizations.view_doordevice",
    "authorizations.view_reservedlink",
    "authorizations.view_dooraction",
    "authorizations.view_flow",
    "authorizations.view_utility",
    "authorizations.view_customerimport",
    "authorizations.view_job",
    "authorizations.view_jobrow",
    "authorizations.view_batch",
    "authorizations.view_keptlink",
    "authorizations.view_printlabel",
    "authorizations.view_printersettings",
    "authorizations.view_event",
    "authorizations.view_connection",
    "authorizations.view_meter",
    "authorizations.view_metermatch",
    "authorizations.view_enrollment",
    "authorizations.view_enrollmentdeadline",
    "authorizations.view_requiredaction",
    "authorizations.view_syncrun",
    "authorizations.sync_meters",
    "authorizations.export_meter",
    "authorizations.view_paperauthorization",
    "authorizations.add_paperauthorization",
    "authorizations.change_paperauthorization",
    "sandbox.run_sandbox",
}

ADMIN_PERMISSIONS = MANAGER_PERMISSIONS | {
    "authorizations.add_flow",
    "authorizations.change_flow",
    "authorizations.add_utility",
    "authorizations.change_utility",
    "authorizations.erase_customer",
    "authorizations.view_auditentry",
    "authorizations.view_remindercursor",
    "authorizations.view_figures",
    "authorizations.view_erasure",
    "authorizations.view_erasedidentity",
    "authorizations.manage_webhook",
    "authorizations.view_installation",
    "authorizations.change_installation",
    "accounts.view_user",
    "accounts.add_user",
    "accounts.change_user",
}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.ADMIN: frozenset(ADMIN_PERMISSIONS),
    Role.PROGRAM_MANAGER: frozenset(MANAGER_PERMISSIONS),
    Role.FIELD_REP: frozenset(REP_PERMISSIONS),
}
