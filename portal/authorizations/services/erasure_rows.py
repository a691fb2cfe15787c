"""What an erasure does to each table. Every row stays, to be counted; what says who it was goes."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import (
    AuditAction,
    Campaign,
    CampaignState,
    Confirmation,
    Customer,
    CustomerImport,
    DoorAction,
    DoorCall,
    Event,
    ImportState,
    Link,
    LinkRequest,
    LinkRequestState,
    Mail,
    MailState,
    MailStop,
    Meter,
    MeterMatch,
    PaperAuthorization,
    PrintJob,
    Reauthorization,
    Visit,
)
from portal.authorizations.models.link import LinkQuerySet
from portal.authorizations.services.audit import record, record_rows
from portal.authorizations.services.campaign_states import SEARCH
from portal.authorizations.services.erasure_words import ERASED, Words
from portal.authorizations.services.events import ERASED_PAYLOAD

#: What an erased customer is called: the database wants a name or a company.
NAME = "Erased customer"
#: What such a list is told to whoever uploaded it.
_LIST_IS_GONE = "A customer in this list was erased, so its files are gone. Upload it again without that customer."
_SHEETS_ARE_GONE = "Chosen links, one of them of a customer erased since: the sheets are removed"


def links_of(customer: Customer) -> LinkQuerySet:
    """Return every link that was ever the customer's."""
    return Link.objects.filter(customer=customer)


def count_what_goes(customer: Customer) -> dict[str, int]:
    """Return how much of what an erasure would reach."""
    links = links_of(customer)
    return {
        "links": links.count(),
        "live": links.live().count(),
        "proven": links.filter(status__in=["authorized", "metered", "enrolled"]).count(),
        "visits": Visit.objects.filter(Q(link__in=links) | Q(via__in=links)).count(),
        "confirmations": Confirmation.objects.filter(link__in=links).count(),
        "papers": PaperAuthorization.objects.filter(customer=customer).count(),
        "calls": DoorCall.objects.filter(customer=customer).count(),
        "mails": Mail.objects.filter(customer=customer).count(),
        "waiting": Mail.objects.filter(customer=customer, state=MailState.WAITING).count(),
        "prints": PrintJob.objects.filter(labels__link__in=links).exclude(file="").distinct().count(),
    }


def clear_rows(*, customer: Customer, words: Words, by: User | None, at: datetime) -> list[str]:
    """Clear a customer's rows in the caller's transaction; return the files to remove, below MEDIA_ROOT."""
    links = links_of(customer)
    papers = PaperAuthorization.objects.filter(customer=customer)
    files = _clear_papers(papers) + _clear_prints(links, words) + _clear_imports(customer, words)
    _clear_drafts(customer)
    _clear_admin_log(customer, links, papers)
    _clear_what_came_in(customer, links, papers)
    LinkRequest.objects.filter(links__in=links).update(problem="")
    if customer.email:
        asked = LinkRequest.objects.filter(state=LinkRequestState.WAITING, email__iexact=customer.email)
        asked.update(state=LinkRequestState.REFUSED, email="", name="", problem="")
    mails = Mail.objects.filter(customer=customer)
    mails.filter(state=MailState.WAITING).update(state=MailState.SILENCED)
    mails.filter(state=MailState.UNKNOWN).update(state=MailState.STOPPED)
    mails.update(reason="", hold_reason="")
    # One that is on its way is settled by its Message-ID: random, it names nobody.
    mails.exclude(state=MailState.SENDING).update(rfc_message_id="")
    Reauthorization.objects.of_customer(customer).exclude(reason="").update(reason=ERASED)
    MailStop.objects.filter(customer=customer).exclude(lift_reason="").update(lift_reason=ERASED)
    DoorCall.objects.filter(customer=customer).update(note="")
    for action in DoorAction.objects.filter(answer__customer=customer.pk):
        DoorAction.objects.filter(pk=action.pk).update(answer={**action.answer, "message": ""})
    _void(links, by=by, at=at)
    _clear_customer(customer, at)
    return files


def _clear_customer(customer: Customer, at: datetime) -> None:
    """Type, utility, state, language and rep stay: what is counted. What names or finds somebody goes."""
    texts = ("company", "email", "phone", "street", "city", "postal_code", "notes", "door_order")
    Customer.objects.filter(pk=customer.pk).update(
        **dict.fromkeys(texts, ""),
        name=NAME,
        external_id=None,
        reference_id=None,
        come_back_on=None,
        erased_at=at,
        updated_at=timezone.now(),
    )


def _void(links: "QuerySet[Link]", *, by: User | None, at: datetime) -> None:
    """Nobody is led on any more. Their ids stay as they are: Leap's meters and events carry them."""
    live = links.filter(voided_at__isnull=True)
    record_rows(action=AuditAction.VOIDED, noun="link", rows=live, by=by, reason="erased")
    live.update(voided_at=at, voided_by=by, void_reason="erased")
    links.update(label="", void_reason="erased")


def clear_what_came_since() -> int:
    """Clear what reached customers after they were erased, by whatever way; return how many rows were.

    What comes late is cleared as it comes (confirmations.py, events.py, meter_pages.py). What was under way in the
    moment of the erasure is not.
    """
    count = 0
    for customer in Customer.objects.filter(erasure__isnull=False).order_by("pk"):
        papers = PaperAuthorization.objects.filter(customer=customer)
        with transaction.atomic():
            count += _clear_what_came_in(customer, links_of(customer), papers)
    return count


def _clear_what_came_in(customer: Customer, links: "QuerySet[Link]", papers: "QuerySet[PaperAuthorization]") -> int:
    seen = dict.fromkeys(("ip", "user_agent"), "")
    received = seen | dict.fromkeys(("query_string", "authorization_id"), "")
    visits = Visit.objects.filter(Q(link__in=links) | Q(via__in=links)).exclude(**seen)
    # Also what came before the link was there, or was malformed: it bears the id and matched nothing.
    ids = [name for name in (*links.values_list("reference_id", flat=True), customer.reference_id) if name]
    begun = [name.upper() for name in ids]
    unmatched = Confirmation.objects.with_beginning().filter(Q(beginning__in=begun), link=None)
    returns = Q(link__in=links) | Q(pk__in=list(unmatched.values_list("pk", flat=True)))
    confirmations = Confirmation.objects.filter(returns).exclude(**received)
    events = Event.objects.filter(Q(link__in=links) | Q(link=None, reference_id__in=ids))
    matches = MeterMatch.objects.filter(Q(link__in=links) | Q(paper__in=papers))
    matched = set(matches.values_list("meter__pk", flat=True))
    records: dict[str, Any] = {"record": {}, "enrollment_record": {}}
    meters = Meter.objects.filter(pk__in=matched - _find_others(matched, customer)).exclude(**records)
    return (
        visits.update(**seen)
        + confirmations.update(**received)
        + events.exclude(payload=ERASED_PAYLOAD).update(payload=ERASED_PAYLOAD, problem="")
        + meters.update(**records)
    )


def _find_others(meters: set[int], customer: Customer) -> set[int]:
    """Which of the meters are another customer's too, who was not erased: what Leap says of them is theirs."""
    matches = MeterMatch.objects.filter(meter__in=meters)
    found: set[int] = set()
    for side in ("link", "paper"):
        others = {f"{side}__customer__isnull": False, f"{side}__customer__erased_at__isnull": True}
        theirs = matches.filter(**others).exclude(**{f"{side}__customer": customer})
        found.update(theirs.values_list("meter__pk", flat=True))
    return found


def _clear_papers(papers: "QuerySet[PaperAuthorization]") -> list[str]:
    files = [name for name in papers.values_list("scan", flat=True) if name]
    papers.update(scan="", scan_name="", scan_type="", withdrawal_reason="")
    return files


def _clear_prints(links: "QuerySet[Link]", words: Words) -> list[str]:
    """Sheets with the customer's label go whole: the others' labels can be printed again from the job."""
    files = []
    for job in PrintJob.objects.filter(labels__link__in=links).distinct():
        files += [job.file.name] if job.file.name else []
        proof = words.take_out(job.proof)
        PrintJob.objects.filter(pk=job.pk).update(file="", chosen=_SHEETS_ARE_GONE, proof=proof)
    return files


def _clear_drafts(customer: Customer) -> None:
    """A draft whose search finds the customer asks nobody yet: its words may be the customer's name, or part of it."""
    for draft in Campaign.objects.filter(state=CampaignState.DRAFT):
        searched = dict(parse_qsl(str(draft.audience.get("query", "")))).get(SEARCH, "")
        if searched and Customer.objects.filter(pk=customer.pk).search(searched).exists():
            Campaign.objects.filter(pk=draft.pk).update(audience={})
            record(action=AuditAction.CHANGED, noun="campaign", row=draft.pk, fields=["audience"], reason="erased")


def _clear_imports(customer: Customer, words: Words) -> list[str]:
    """Uploaded lists that name the customer go, with all that was made of them.

    One that was applied knows whom it was about, however it spells them.
    """
    folders = []
    about = set(CustomerImport.objects.filter(customers=customer).values_list("pk", flat=True))
    for imported in CustomerImport.objects.exclude(file=""):
        folder = Path(imported.file.path).parent
        if imported.pk not in about and not _names(imported, folder, words):
            continue
        folders.append(folder.relative_to(settings.MEDIA_ROOT).as_posix())
        values: dict[str, Any] = {"file": ""}
        if imported.state != ImportState.APPLIED:
            values |= {"state": ImportState.CANCELLED, "error": _LIST_IS_GONE}
        CustomerImport.objects.filter(pk=imported.pk).update(**values)
    return folders


def _names(imported: CustomerImport, folder: Path, words: Words) -> bool:
    if not folder.is_dir():
        return False
    upload = Path(imported.file.path)
    return any(
        words.stand_in_file(path, imported.encoding or "utf-8" if path == upload else "utf-8")
        for path in folder.iterdir()
        if path.is_file()
    )


def _clear_admin_log(customer: Customer, links: "QuerySet[Link]", papers: "QuerySet[PaperAuthorization]") -> None:
    about = Q(pk__in=[])
    rows: list[tuple[type[Any], list[int]]] = [
        (Customer, [customer.pk]),
        (Link, list(links.values_list("pk", flat=True))),
        (PaperAuthorization, list(papers.values_list("pk", flat=True))),
    ]
    for model, keys in rows:
        about |= Q(content_type=ContentType.objects.get_for_model(model), object_id__in=[str(key) for key in keys])
    LogEntry.objects.filter(about).update(object_repr=NAME, change_message=json.dumps([]))
