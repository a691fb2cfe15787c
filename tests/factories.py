"""Plain functions that make rows for tests. Each says what it makes; every argument has a usable default."""

import io
import itertools
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from portal.accounts.models import User
from portal.accounts.roles import Role
from portal.accounts.services.roles import assign_role
from portal.authorizations.models import (
    Campaign,
    Channel,
    Customer,
    CustomerImport,
    Enrollment,
    EnrollmentDeadline,
    Flow,
    FlowState,
    ImportState,
    Journey,
    LandingPage,
    Link,
    LinkRequest,
    Mail,
    MatchedBy,
    Meter,
    MeterMatch,
    PaperAuthorization,
    PaperForm,
    Party,
    PrintJob,
    Reauthorization,
    RequiredAction,
    Utility,
)
from portal.authorizations.services import imports
from portal.authorizations.services.landing_pages import save_landing_page
from portal.authorizations.services.link_requests import keep_link_request
from portal.authorizations.services.links import issue_link, issue_shared_link
from portal.authorizations.services.messages import keep_message
from portal.authorizations.services.paper import record_paper_authorization
from portal.authorizations.services.printing import PrintRequest, create_print_job, run_print_job

_numbers = itertools.count(1)


def make_user(*, role: Role = Role.PROGRAM_MANAGER, username: str = "", **fields: Any) -> User:
    user = User.objects.create_user(username or f"user{next(_numbers)}", password="correct-horse", **fields)
    assign_role(user=user, role=role)
    return user


def get_utilities(*utility_ids: str) -> list[Utility]:
    """Rows of the seeded catalogue, in the order asked; all six without an argument."""
    if not utility_ids:
        return list(Utility.objects.all())
    found = {utility.utility_id: utility for utility in Utility.objects.filter(utility_id__in=utility_ids)}
    return [found[utility_id] for utility_id in utility_ids]


def make_flow(*, utilities: Sequence[str] = (), **fields: Any) -> Flow:
    """A live Connect flow with all six utilities, unless told otherwise."""
    values: dict[str, Any] = {
        "name": f"Flow {next(_numbers)}",
        "journey": Journey.CONNECT,
        "org_name": "acme-energy",
        "address": "titled",
        "title": "summer-dr",
        "state": FlowState.LIVE,
    }
    values.update(fields)
    flow = Flow.objects.create(**values)
    flow.utilities.set(get_utilities(*utilities))
    return flow


def make_legacy_flow(*, utilities: Sequence[str] = ("pge", "sce", "sdge"), **fields: Any) -> Flow:
    return make_flow(
        **{"journey": Journey.LEGACY, "address": "", "title": "", "utilities": utilities, **fields},
    )


def make_customer(*, utility: str = "pge", **fields: Any) -> Customer:
    number = next(_numbers)
    values: dict[str, Any] = {
        "name": f"Rosa Núñez {number}",
        "email": f"customer{number}@example.com",
        "street": f"{number} Maple St",
        "city": "Fresno",
        "state": "CA",
        "postal_code": "93722",
        "customer_type": "residential",
        "external_id": f"A-{number}",
        "utility": get_utilities(utility)[0] if utility else None,
    }
    values.update(fields)
    return Customer.objects.create(**values)


def only(*rows: Any) -> QuerySet[Any]:
    """These rows as a queryset, as a list's choice comes."""
    return type(rows[0]).objects.filter(pk__in=[row.pk for row in rows])


def make_campaign(*, flow: Flow | None = None, owner: User | None = None, **fields: Any) -> Campaign:
    return Campaign.objects.create(
        **{
            "name": f"Campaign {next(_numbers)}",
            "flow": flow or make_flow(),
            "owner": owner or make_user(),
            "channel": Channel.DOOR,
            **fields,
        }
    )


def make_link(*, customer: Customer | None = None, flow: Flow | None = None, **arguments: Any) -> Link:
    """A customer's link, issued by the service as everywhere."""
    return issue_link(
        customer=customer or make_customer(),
        flow=flow or make_flow(),
        issued_by=arguments.pop("issued_by", None),
        **arguments,
    ).link


def make_shared_link(*, flow: Flow | None = None, label: str = "poster, lobby", **arguments: Any) -> Link:
    return issue_shared_link(flow=flow or make_flow(), label=label, issued_by=None, **arguments)


def make_landing_page(*, flow: Flow | None = None, **values: Any) -> LandingPage:
    """The open hosted page of a flow, unless told otherwise."""
    page = {"is_open": True, "campaign": None, "headline": "", "headline_es": "", **values}
    return save_landing_page(flow=flow or make_flow(), **page)


def make_link_request(*, page: LandingPage | None = None, **values: Any) -> LinkRequest:
    """What a web visitor asked for, and the worker has not dealt with yet."""
    asked = {"email": f"visitor{next(_numbers)}@example.com", "language": "en", **values}
    return keep_link_request(page=page or make_landing_page(), **asked)


def make_import(
    *,
    text: str = "external_id,name,email\nA-1,Ann,ann@example.com\nA-2,Bob,not-an-email\n",
    uploaded_by: User | None = None,
    flow: Flow | None = None,
    until: ImportState = ImportState.CHECKED,
) -> CustomerImport:
    """A list with one good row and one that is refused, uploaded, checked or (the good row) applied."""
    file = SimpleUploadedFile("list.csv", text.encode())
    imported = imports.create_import(file=file, uploaded_by=uploaded_by or make_user())
    if until != ImportState.UPLOADED:
        columns = {int(index): field for index, field in imported.columns.items()}
        imports.start_check(imported=imported, columns=columns, flow=flow, campaign=None)
        imports.run_check(imported)
    if until == ImportState.APPLIED:
        imports.start_apply(imported=imported, partial=True)
        imports.run_apply(imported)
    assert imported.state == until, imported.error
    return imported


def make_mail(*, link: Link | None = None, kind: str = "invitation", **fields: Any) -> Mail:
    """A mail that waits and is due, about a customer's link (of its campaign, or a new one), unless told otherwise."""
    link = link or make_link()
    campaign = link.campaign or make_campaign(flow=link.flow)
    values = {"customer": link.customer, "due_at": timezone.now(), **fields}
    return Mail.objects.create(message=keep_message(campaign, kind), link=link, **values)


def make_meter(*, utility: str = "pge", **fields: Any) -> Meter:
    """A residential meter of a utility, as a sync keeps it; of no link until make_match says so."""
    row = get_utilities(utility)[0] if utility else None
    now = timezone.now()
    values: dict[str, Any] = {
        "meter_id": uuid.uuid4(),
        "region": row.region if row else "",
        "utility_name": row.leap_name if row else "",
        "utility": row,
        "classification": "RESIDENTIAL",
        "meter_type": "UTILITY_METER",
        "created_at": now,
        "first_seen_at": now,
        "last_seen_at": now,
    }
    values.update(fields)
    return Meter.objects.create(**values)


def make_match(
    *,
    meter: Meter | None = None,
    link: Link | None = None,
    paper: PaperAuthorization | None = None,
    matched_by: MatchedBy = MatchedBy.CONNECTION_REFERENCE,
) -> MeterMatch:
    """A meter that belongs to a link (a new one unless named) or to a paper authorization."""
    link = link if link or paper else make_link()
    return MeterMatch.objects.create(
        meter=meter or make_meter(), link=link, paper=paper, matched_by=matched_by, matched_at=timezone.now()
    )


def make_enrollment(
    *, meter: Meter | None = None, program: str = "CEC-DSGS", deadlines: Sequence[datetime] = (), **fields: Any
) -> Enrollment:
    """A meter in a program, settled as by the sync; it is active from sixteen days after each deadline on."""
    values: dict[str, Any] = {"delivery_period": f"{program}_MAY_SEP", "status": "ELIGIBLE", **fields}
    meter = meter or make_meter()
    meter.in_program = True
    meter.save(update_fields=["in_program"])
    enrollment = Enrollment.objects.create(meter=meter, program=program, **values)
    for moment in deadlines:
        EnrollmentDeadline.objects.create(
            enrollment=enrollment, deadline_at=moment, active_from=moment + timedelta(days=16)
        )
    Enrollment.objects.filter(pk=enrollment.pk).settle(timezone.now())
    return enrollment


def make_required_action(*, meter: Meter | None = None, **fields: Any) -> RequiredAction:
    """The customer has to authorize again, unless told otherwise."""
    values: dict[str, Any] = {"party": Party.PARTNER, "action_type": "IS_AUTHORIZED", "action_code": "AUTH_0001"}
    action = RequiredAction.objects.create(meter=meter or make_meter(), **{**values, **fields})
    Enrollment.objects.filter(meter=action.meter).settle(timezone.now())
    return action


def make_reauthorization(*, link: Link | None = None, meter: Meter | None = None, **fields: Any) -> Reauthorization:
    """An open task: the authorization of a meter is lost, a customer's (of a new link) unless told otherwise."""
    if meter is None:
        meter = make_match(link=link, meter=make_meter(needs_authorization=True)).meter
    values: dict[str, Any] = {"code": "AUTH_0001", "opened_at": timezone.now(), **fields}
    return Reauthorization.objects.create(meter=meter, **values)


def make_scan(kind: str = "pdf", *, name: str = "", text: str = "CISR-DRP, signed") -> SimpleUploadedFile:
    """A scan of one page, uploaded: a pdf, jpeg or png by its content, whatever `name` says."""
    buffer = io.BytesIO()
    if kind == "pdf":
        canvas = Canvas(buffer)
        canvas.drawString(72, 720, text)
        canvas.save()
    else:
        Image.new("RGB", (320, 240), (250, len(text), 240)).save(buffer, kind)
    return SimpleUploadedFile(name or f"form.{kind}", buffer.getvalue())


def make_paper(*, customer: Customer | None = None, **arguments: Any) -> PaperAuthorization:
    """A signed CISR-DRP form of a PG&E customer, recorded by the service as everywhere."""
    customer = customer or make_customer()
    values: dict[str, Any] = {
        "utility": customer.utility or get_utilities("pge")[0],
        "form": PaperForm.CISR_DRP,
        "signed_on": date(2025, 7, 1),
        "scan": make_scan(),
        "recorded_by": None,
    }
    return record_paper_authorization(customer=customer, **{**values, **arguments}).paper


def make_print_job(
    *, links: Sequence[Link] | None = None, created_by: User | None = None, run: bool = True, **options: Any
) -> PrintJob:
    """Labels of these links (of two new ones unless named), printed and proofed; `run=False`: still waiting."""
    links = [make_link(), make_link()] if links is None else links
    job = create_print_job(
        links=Link.objects.filter(pk__in=[link.pk for link in links]),
        chosen=f"{len(links)} ticked links",
        request=PrintRequest(**{"stock": "avery-5160", **options}),
        created_by=created_by,
    )
    return run_print_job(job) if run else job
