"""Hosted pages: open, change and find them, and what their forms carry."""

from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.utils.crypto import get_random_string

from portal.authorizations.models import AuditAction, Campaign, Flow, LandingPage
from portal.authorizations.services.audit import record
from portal.authorizations.services.request_limit import STAMP_SECONDS
from portal.leap import reference_ids

#: A person needs longer to type an address.
LEAST_SECONDS = 2
_SALT = "hosted page"


@transaction.atomic
def save_landing_page(
    *, flow: Flow, is_open: bool, campaign: Campaign | None, headline: str, headline_es: str
) -> LandingPage:
    """Open, close or change a flow's hosted page. Its slug stays the same, however often it is closed and opened."""
    values = {"is_open": is_open, "campaign": campaign, "headline": headline, "headline_es": headline_es}
    page, is_new = LandingPage.objects.update_or_create(
        flow=flow, defaults=values, create_defaults={"slug": reference_ids.generate(), **values}
    )
    state = "open" if is_open else "closed"
    action = AuditAction.ADDED if is_new else AuditAction.CHANGED
    record(action=action, noun="hosted page", row=page.pk, flow=flow.pk, state=state)
    return page


def find_landing_page(slug: str) -> LandingPage | None:
    """Return the page behind a slug; None: unknown, closed, or of a flow that is not live, which look the same."""
    if not (slug.isascii() and slug.isprintable() and len(slug) <= 20):
        return None
    return LandingPage.objects.answering().select_related("flow").filter(slug=slug.lower()).first()


def make_stamp(page: LandingPage) -> str:
    """Return what a page's form carries: when it was shown and which one it was, signed."""
    return TimestampSigner(salt=_SALT).sign_object({"page": page.slug, "once": get_random_string(16)})


def explain_stamp(stamp: str, page: LandingPage) -> str:
    """Return why a form that carries `stamp` is not taken: "early" or "stale"; empty: it is taken."""
    signer = TimestampSigner(salt=_SALT)
    try:
        if signer.unsign_object(stamp, max_age=STAMP_SECONDS)["page"] != page.slug:
            return "stale"
    except BadSignature:  # one that is too old is a bad signature, too
        return "stale"
    try:
        signer.unsign(stamp, max_age=LEAST_SECONDS)
    except BadSignature:
        return ""
    return "early"
