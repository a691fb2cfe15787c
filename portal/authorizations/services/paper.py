"""Paper authorizations: record a signed form with its scan, note that Leap has it, withdraw it (R1).

Its meters come back from Leap with its reference id, and are matched as a link's are: `MeterMatch.paper`.
"""

from dataclasses import dataclass
from datetime import date

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.authorizations.models import AuditAction, Customer, PaperAuthorization, PaperForm, Utility
from portal.authorizations.services.audit import record
from portal.authorizations.services.links import IssueRefused, check_reference_id, hold_customers
from portal.authorizations.services.scans import (
    Scan,
    ScanRefused,
    check_scan,
    drop_stored,
    is_same_scan,
    store_scan,
)
from portal.leap import reference_ids

#: Utilities hand out such forms since well after this: an earlier year is a slip.
EARLIEST = date(2000, 1, 1)
NOUN = "paper authorization"
_WITHDRAWN = "This authorization is withdrawn: record a new one before you send anything to Leap."


class PaperRefused(Exception):  # noqa: N818
    """A paper authorization cannot be kept so; `str()` says why in words, `field` names the input that is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Recorded:
    """A paper authorization: new, or the one that was there already."""

    paper: PaperAuthorization
    created: bool


def record_paper_authorization(
    *,
    customer: Customer,
    utility: Utility,
    form: PaperForm,
    signed_on: date,
    scan: File[bytes],
    recorded_by: User | None,
    reference_id: str = "",
) -> Recorded:
    """Keep a signed form with its scan; hand back the one that is there if it is the same form, scanned as before.

    `reference_id` empty: one is generated. A refusal or a failure leaves neither row nor file. Raises PaperRefused.
    """
    if (problem := form.refuse(utility)) is not None:
        raise PaperRefused(problem, "utility")
    check_day(signed_on, field="signed_on")
    try:
        checked = check_scan(scan)
    except ScanRefused as refusal:
        raise PaperRefused(str(refusal), "scan") from refusal
    stored = ""
    try:
        with transaction.atomic():
            # Two clicks come one after the other, and the second finds what the first has recorded.
            if hold_customers([customer.pk]):
                raise PaperRefused("This customer was erased: nothing more is kept of them.")
            same = _find_same(customer=customer, utility=utility, form=form, signed_on=signed_on, scan=checked)
            if same is not None:
                return Recorded(same, created=False)
            if reference_id:
                _check_own(reference_id, customer)
            stored = store_scan(checked)
            paper = PaperAuthorization.objects.create(
                customer=customer,
                utility=utility,
                form=form,
                reference_id=reference_id or reference_ids.generate(),
                signed_on=signed_on,
                scan=stored,
                scan_name=checked.name,
                scan_type=checked.content_type,
                recorded_by=recorded_by,
                recorded_at=timezone.now(),
            )
            record(action=AuditAction.ADDED, noun=NOUN, row=paper.pk, by=recorded_by, customer=customer.pk)
    except BaseException as error:
        drop_stored(stored)
        if isinstance(error, IntegrityError) and PaperAuthorization.objects.filter(reference_id=reference_id).exists():
            raise PaperRefused(f"“{reference_id}” was taken in this moment: choose another.", "reference_id") from error
        raise
    return Recorded(paper, created=True)


@transaction.atomic
def mark_sent(*, paper: PaperAuthorization, sent_on: date) -> PaperAuthorization:
    """Note the day on which Leap was sent the form; a second time corrects it. Raises PaperRefused."""
    if paper.withdrawn_at:
        raise PaperRefused(_WITHDRAWN)
    check_day(sent_on, field="sent_on")
    if sent_on < paper.signed_on:
        raise PaperRefused(f"That is before it was signed, on {paper.signed_on:%-d %b %Y}.", "sent_on")
    # Asked of the row itself: somebody may withdraw it in this moment.
    if not PaperAuthorization.objects.filter(pk=paper.pk, withdrawn_at__isnull=True).update(sent_on=sent_on):
        raise PaperRefused(_WITHDRAWN)
    record(action=AuditAction.SENT, noun=NOUN, row=paper.pk)
    paper.sent_on = sent_on
    return paper


@transaction.atomic
def withdraw_paper_authorization(*, paper: PaperAuthorization, reason: str) -> bool:
    """Note that the customer took it back, or that it was recorded by mistake; return False if it was noted before.

    What Leap says stays. Raises ValueError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why the authorization is withdrawn.")
    # Asked of the row itself: of two people at once, the first one's reason stays.
    changed = PaperAuthorization.objects.filter(pk=paper.pk, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now(), withdrawal_reason=reason[:200]
    )
    if changed:
        record(action=AuditAction.VOIDED, noun=NOUN, row=paper.pk)
    paper.refresh_from_db(fields=["withdrawn_at", "withdrawal_reason"])
    return bool(changed)


def check_day(day: date, *, field: str) -> None:
    """Raise PaperRefused for a day that cannot be: still to come, or so long ago that the year is a slip."""
    if day > timezone.localdate():
        raise PaperRefused("That day is still to come: look at the date once more.", field)
    if day < EARLIEST:
        raise PaperRefused(f"That is before {EARLIEST.year}: look at the year once more.", field)


def _find_same(
    *, customer: Customer, utility: Utility, form: PaperForm, signed_on: date, scan: Scan
) -> PaperAuthorization | None:
    """Return the same form with the same scan, unless it was withdrawn: that one may be recorded anew."""
    alike = PaperAuthorization.objects.filter(
        customer=customer, utility=utility, form=form, signed_on=signed_on, withdrawn_at__isnull=True
    )
    return next((paper for paper in alike.order_by("pk") if is_same_scan(paper, scan)), None)


def _check_own(reference_id: str, customer: Customer) -> None:
    """Refuse a partner's own reference id that is not valid, or that is anybody's already."""
    if reference_id == customer.reference_id:
        raise PaperRefused(
            f"“{reference_id}” is kept for this customer’s first link: choose another, or leave it empty.",
            "reference_id",
        )
    try:
        check_reference_id(reference_id=reference_id, customer=None)
    except IssueRefused as refusal:
        raise PaperRefused(str(refusal), "reference_id") from refusal
