"""The sample data's paper authorizations: eight signed forms, in every state that they can be in."""

import io
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from portal.accounts.models import User
from portal.authorizations.models import Customer, PaperAuthorization, PaperForm, PaperStatus, Region
from portal.authorizations.services.demo_leap import show_meter
from portal.authorizations.services.paper import (
    mark_sent,
    record_paper_authorization,
    withdraw_paper_authorization,
)

#: How far each gets, and how many days ago it was signed.
_STORIES = (
    (PaperStatus.ENROLLED, 62),
    (PaperStatus.ENROLLED, 48),
    (PaperStatus.METERED, 21),
    (PaperStatus.SENT, 9),
    (PaperStatus.SENT, 6),
    (PaperStatus.WITHDRAWN, 5),
    (PaperStatus.SIGNED, 2),
    (PaperStatus.SIGNED, 1),
)
_LEAP = (PaperStatus.METERED, PaperStatus.ENROLLED)


def sign_papers(*, customers: Sequence[Customer], now: datetime, manager: User, chance: random.Random) -> None:
    """Let Californian customers without a link sign a form each, the longest ago first."""
    in_california = [c for c in customers if c.utility is not None and c.utility.region == Region.CAISO]
    for number, (customer, (status, days)) in enumerate(zip(in_california, _STORIES, strict=False)):
        _sign(customer, status, now - timedelta(days=days), manager, chance, photographed=number % 4 == 3)


def _sign(
    customer: Customer, status: PaperStatus, at: datetime, manager: User, chance: random.Random, *, photographed: bool
) -> None:
    assert customer.utility is not None
    paper = record_paper_authorization(
        customer=customer,
        utility=customer.utility,
        form=PaperForm.CISR_DRP,
        signed_on=timezone.localdate(at),
        scan=_photograph(customer) if photographed else _scan(customer, at),
        recorded_by=customer.assigned_rep or manager,
    ).paper
    if status in (PaperStatus.SENT, *_LEAP):
        mark_sent(paper=paper, sent_on=timezone.localdate(at + timedelta(days=1)))
    if status == PaperStatus.WITHDRAWN:
        withdraw_paper_authorization(paper=paper, reason="The customer moved to another address")
    PaperAuthorization.objects.filter(pk=paper.pk).update(
        recorded_at=at + timedelta(hours=3),
        withdrawn_at=at + timedelta(days=2) if status == PaperStatus.WITHDRAWN else None,
    )
    if status in _LEAP:
        shown = show_meter(
            reference_id=paper.reference_id,
            utility=customer.utility,
            customer_type=customer.customer_type,
            at=at + timedelta(days=8),
            enrolled_at=at + timedelta(days=20) if status == PaperStatus.ENROLLED else None,
            chance=chance,
        )
        for moment, show in shown:
            show(moment)


def _words(customer: Customer) -> list[str]:
    return [
        "Sample, not a real form",
        "Customer Information Service Request",
        "Demand Response Provider (CISR-DRP)",
        f"Customer: {customer.name}",
        f"Service address: {customer.address}",
        f"Signed: {customer.name}",
    ]


def _scan(customer: Customer, at: datetime) -> ContentFile[bytes]:
    """Return one page as PDF."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=letter)
    for line, text in enumerate([*_words(customer), f"Date: {at:%m/%d/%Y}"]):
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 700 - 40 * line, text)
        canvas.line(72, 692 - 40 * line, 540, 692 - 40 * line)
    canvas.save()
    return ContentFile(buffer.getvalue(), name="CISR-DRP signed.pdf")


def _photograph(customer: Customer) -> ContentFile[bytes]:
    """Return the same as a telephone would: JPEG."""
    image = Image.new("RGB", (900, 1200), (244, 241, 232))
    draw = ImageDraw.Draw(image)
    for line, text in enumerate(_words(customer)):
        # Pillow's own letters know ASCII only.
        draw.text((80, 120 + 90 * line), text.encode("ascii", "replace").decode(), fill=(40, 44, 60), font_size=30)
        draw.line((80, 170 + 90 * line, 820, 170 + 90 * line), fill=(150, 150, 150))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return ContentFile(buffer.getvalue(), name="IMG_2041.jpeg")
