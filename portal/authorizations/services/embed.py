"""Snippets to embed a link elsewhere (R2): in a web page, an email, a signature."""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from portal.authorizations.models import Installation

#: kind → template. Inline styles only: mail programs drop style sheets, and a web page has its own.
TEMPLATES = {"button": "emails/embed_button.html", "signature": "emails/embed_signature.html"}


@dataclass(frozen=True, slots=True)
class Snippets:
    """Texts to copy, each leading to one address."""

    url: str
    button: str
    signature: str


def make_snippets(*, url: str, language: str) -> Snippets:
    """Return the snippets that lead to `url`, with the partner's name and colour, in a language (en, es)."""
    with translation.override(language):
        context = snippet_context(url=url, language=language)
        # strip() makes plain texts of them: on our own page they are shown, so their markup has to be escaped.
        made = {kind: render_to_string(template, context).strip() for kind, template in TEMPLATES.items()}
    return Snippets(url=url, **made)


def snippet_context(*, url: str, language: str) -> dict[str, object]:
    """Return what a snippet's template needs."""
    return {"url": url, "language": language, "installation": Installation.objects.current()}
