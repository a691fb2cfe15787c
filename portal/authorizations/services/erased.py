"""Whom no list brings back: the digests of ids and addresses of those who were erased."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal.authorizations.models import ErasedIdentity, Erasure


def find_erased(digests: Iterable[str]) -> dict[str, Erasure]:
    """Return the erasures of those among these digests who must not be added again, in one query."""
    wanted = set(digests)
    if not wanted:
        return {}
    found = ErasedIdentity.objects.filter(digest__in=wanted).select_related("erasure")
    return {identity.digest: identity.erasure for identity in found}


def explain_erased(erasure: Erasure) -> str:
    """Say why somebody who was erased is not added."""
    return (
        f"Erased on {timezone.localtime(erasure.at):%Y-%m-%d}: whoever this is must not be added again. If the person "
        f"wants to be, an admin allows it on the page of customer {erasure.customer_id}."
    )


def digests_of(*, external_id: str | None = None, email: str | None = None) -> list[str]:
    """Return what is kept of an id and an address: keyed digests, from which neither can be guessed without the key."""
    named = (("external id", external_id), ("email", email))
    return [
        salted_hmac("portal.erasure", f"{kind}:{value.strip().casefold()}", algorithm="sha256").hexdigest()
        for kind, value in named
        if value and value.strip()
    ]
