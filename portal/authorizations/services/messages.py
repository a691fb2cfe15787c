"""The words of a campaign's mails: the partner's own, or the portal's, in English and Spanish.

Words are plain text. A blank line begins a paragraph, and {name} stands for the customer's name: PLACEHOLDERS has all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from portal.authorizations.models import AuditAction, Campaign, Customer, Language, Message, MessageKind
from portal.authorizations.services.audit import record
from portal.authorizations.services.closed_campaigns import hold_open

#: What may stand in braces, and what it becomes.
PLACEHOLDERS: Final[Mapping[str, str]] = {
    "name": "the customer’s name, or the company",
    "partner": "your name, as on the installation page",
    "utility": "the customer’s utility",
    "address": "the customer’s service address",
    "campaign": "the campaign’s name",
}
_PLACEHOLDER: Final = re.compile(r"\{([^{}\r\n]{0,60})\}")


@dataclass(frozen=True)
class Words:
    """A subject and a body, as written (with placeholders) or as read (without)."""

    subject: str
    body: str


DEFAULT_WORDS: Final[Mapping[tuple[str, str], Words]] = {
    (MessageKind.INVITATION, Language.ENGLISH): Words(
        "Connect your {utility} account with {partner}",
        "Hello {name},\n\n"
        "{partner} asks you to connect your {utility} account. With your permission we see how much energy you use and "
        "when, and can pay you for using less of it when the grid is short.\n\n"
        "It takes a few minutes on your utility’s own page. Have your sign-in at hand.",
    ),
    (MessageKind.INVITATION, Language.SPANISH): Words(
        "Conecte su cuenta de {utility} con {partner}",
        "Hola, {name}:\n\n"
        "{partner} le pide que conecte su cuenta de {utility}. Con su permiso vemos cuánta energía usa y cuándo, y "
        "podemos pagarle por usar menos cuando falta en la red.\n\n"
        "Toma unos minutos en la página de su propia compañía. Tenga a mano su usuario y contraseña.",
    ),
    (MessageKind.ABANDONED, Language.ENGLISH): Words(
        "You began to connect your {utility} account: finish it here",
        "Hello {name},\n\n"
        "You began to connect your {utility} account with {partner}, and did not get to the end. Your link still "
        "works: begin again whenever it suits you.\n\n"
        "Have you finished it meanwhile? Then there is nothing more to do.",
    ),
    (MessageKind.ABANDONED, Language.SPANISH): Words(
        "Empezó a conectar su cuenta de {utility}: termine aquí",
        "Hola, {name}:\n\n"
        "Empezó a conectar su cuenta de {utility} con {partner} y no llegó al final. Su enlace sigue funcionando: "
        "empiece de nuevo cuando le convenga.\n\n"
        "¿Ya terminó? Entonces no necesita hacer nada más.",
    ),
    (MessageKind.NO_VISIT, Language.ENGLISH): Words(
        "Your link to connect your {utility} account is waiting",
        "Hello {name},\n\n"
        "A few days ago {partner} sent you a link to connect your {utility} account. It is still there for you.\n\n"
        "It takes a few minutes on your utility’s own page. Have your sign-in at hand.",
    ),
    (MessageKind.NO_VISIT, Language.SPANISH): Words(
        "Su enlace para conectar su cuenta de {utility} le espera",
        "Hola, {name}:\n\n"
        "Hace unos días {partner} le envió un enlace para conectar su cuenta de {utility}. Sigue ahí para usted.\n\n"
        "Toma unos minutos en la página de su propia compañía. Tenga a mano su usuario y contraseña.",
    ),
}

#: What {utility} and {name} become where neither is known.
_NO_UTILITY: Final = {Language.ENGLISH: "utility", Language.SPANISH: "servicios públicos"}


def keep_message(campaign: Campaign, kind: MessageKind | str) -> Message:
    """Return the campaign's message of a kind, made if there is none yet: with the portal's own words."""
    return Message.objects.get_or_create(campaign=campaign, kind=kind)[0]


@transaction.atomic
def save_message(*, campaign: Campaign, kind: MessageKind | str, english: Words, spanish: Words) -> Message:
    """Save the partner's words. Those that are the portal's own are kept as empty, and so follow when these change.

    Raises CampaignClosed.
    """
    hold_open(campaign)
    keep_message(campaign, kind)
    message = Message.objects.select_for_update().get(campaign=campaign, kind=kind)
    for words, language, suffix in ((english, Language.ENGLISH, ""), (spanish, Language.SPANISH, "_es")):
        default = DEFAULT_WORDS[message.kind, language]
        subject = " ".join(words.subject.split())
        body = "\n".join(line.rstrip() for line in words.body.strip().splitlines())
        setattr(message, f"subject{suffix}", "" if subject == default.subject else subject)
        setattr(message, f"body{suffix}", "" if body == default.body else body)
    message.save(update_fields=["subject", "body", "subject_es", "body_es", "updated_at"])
    record(action=AuditAction.CHANGED, noun="message", row=message.pk, campaign=campaign.pk)
    return message


def words_in(message: Message, language: str) -> Words:
    """Return what the message says in a language, as it was written: the partner's own words, or the portal's."""
    default = DEFAULT_WORDS[message.kind, language]
    if language == Language.SPANISH:
        return Words(message.subject_es or default.subject, message.body_es or default.body)
    return Words(message.subject or default.subject, message.body or default.body)


def fill_words(words: Words, *, customer: Customer, partner: str, campaign: Campaign, language: str) -> Words:
    """Put in what the placeholders stand for. A subject is one line, whatever stands in a name."""
    values = {
        "name": str(customer),
        "partner": partner,
        "utility": customer.utility.short_name if customer.utility else _NO_UTILITY[Language(language)],
        "address": customer.address,
        "campaign": campaign.name,
    }

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: values.get(found[1].strip().lower(), found[0]), text)

    return Words(" ".join(fill(words.subject).split()), fill(words.body))


def find_unknown_placeholders(text: str) -> list[str]:
    """Return what stands in braces and means nothing, as it was written, each once."""
    found = (match[0] for match in _PLACEHOLDER.finditer(text) if match[1].strip().lower() not in PLACEHOLDERS)
    return list(dict.fromkeys(found))
