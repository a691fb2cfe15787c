"""What the reader of a mail decides about further ones, by the token in it. The token holds no personal data."""

from portal.authorizations.models import Mail, MailStop, StopReason
from portal.authorizations.services.mail_composer import read_unsubscribe_token
from portal.authorizations.services.mail_stops import digest_address, lift_stop, stop_mails_like


def unsubscribe_reader(token: str) -> MailStop | None:
    """Stop mails to the address that the token's mail went to; None: the token is of no mail."""
    mail = _find_mail(token)
    digest = _digest_of(mail)
    if mail is None or not digest:
        return None
    return stop_mails_like(digest=digest, customer=mail.customer, reason=StopReason.UNSUBSCRIBED)


def take_back(token: str) -> bool:
    """Undo it; return whether a stop is left, since what a mail server or a complaint said stays. Of no mail: none."""
    digest = _digest_of(_find_mail(token))
    stop = MailStop.objects.in_force().filter(address_digest=digest).first()
    if stop is None:
        return False
    if stop.reason != StopReason.UNSUBSCRIBED:
        return True
    lift_stop(stop=stop, reason="Taken back on the page.", by=None, asked_for=True)
    return False


def _find_mail(token: str) -> Mail | None:
    return Mail.objects.select_related("customer").filter(pk=read_unsubscribe_token(token)).first()


def _digest_of(mail: Mail | None) -> str:
    """Return the digest of where the mail went to: the customer may have another address by now, or none."""
    if mail is None:
        return ""
    return mail.address_digest or digest_address(mail.customer.email)
