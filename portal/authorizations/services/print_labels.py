"""What stands on a label: the code's text, the code to read aloud, the chosen lines, the call to action."""

from collections.abc import Collection, Iterator

from portal.authorizations.models import Link, PrintJob, PrintLabel, PrintLanguage, PrintLine, PrintTarget
from portal.printing.sheets import Label

#: What asks to scan, in the customer's language.
CALLS_TO_ACTION = {"en": "Scan with the camera to authorize", "es": "Escanee con la cámara para autorizar"}
#: Labels read at once: memory does not grow with the job.
CHUNK = 500


def text_of(link: Link, target: str) -> str:
    """Return what a link's code carries."""
    return link.url if target == PrintTarget.DIRECT else link.short_url_for_codes


def label_of(link: Link, *, target: str, language: str, lines: Collection[str]) -> Label:
    """Return a link's label."""
    customer = link.customer
    said = {
        PrintLine.NAME: link.title if customer or link.label else "",
        PrintLine.ADDRESS: customer.address if customer else "",
        PrintLine.CAMPAIGN: link.campaign.name if link.campaign else "",
    }
    if language == PrintLanguage.CUSTOMER:
        language = customer.language if customer else PrintLanguage.ENGLISH
    return Label(
        url_text=text_of(link, target),
        code=link.code_in_groups,
        lines=tuple(said[line] for line in PrintLine if line in lines and said[line]),
        call_to_action=CALLS_TO_ACTION.get(language, CALLS_TO_ACTION["en"]),
        address=_address_lines(link),
    )


def labels_of(job: PrintJob) -> Iterator[Label]:
    """Return the labels of a job in their order, read a chunk at a time."""
    for link in links_of(job):
        yield label_of(link, target=job.target, language=job.language, lines=job.lines)


def links_of(job: PrintJob) -> Iterator[Link]:
    """Return the links of a job in the order of its labels, read a chunk at a time."""
    labels = PrintLabel.objects.filter(job=job).select_related("link__customer", "link__campaign").order_by("number")
    last = 0
    while chunk := list(labels.filter(number__gt=last)[:CHUNK]):
        for label in chunk:
            yield label.link
        last = chunk[-1].number


def _address_lines(link: Link) -> tuple[str, ...]:
    """Return what shows through an envelope's window."""
    customer = link.customer
    if customer is None:
        return ()
    place = f"{customer.state} {customer.postal_code}".strip()
    town = ", ".join(part for part in (customer.city, place) if part)
    return tuple(line for line in (customer.name, customer.company, customer.street, town) if line)
