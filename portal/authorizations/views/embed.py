"""Embed (R2): copy-ready snippets for a link, and for a flow's hosted page, which is opened and closed here."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.generic import View

from portal.authorizations.forms.embed import LandingPageForm, SnippetForm
from portal.authorizations.models import Flow, LandingPage, Link
from portal.authorizations.services.embed import TEMPLATES, make_snippets, snippet_context
from portal.authorizations.services.landing_pages import save_landing_page
from portal.authorizations.views.lists import user_of

#: A snippet has inline styles, which no other page may: shown in a frame of ours, without scripts.
PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


class LinkEmbedView(PermissionRequiredMixin, View):
    """A link's snippets. Query: language, target."""

    permission_required = "authorizations.view_link"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        link = _visible_link(request, pk)
        form = SnippetForm(request.GET)
        context = _snippets(form, url=_link_url(link, form), preview="link_embed_preview", pk=pk)
        return render(request, "authorizations/link_embed.html", {"link": link, **context})


class FlowEmbedView(PermissionRequiredMixin, View):
    """A flow's hosted page: open or closed, its words, and the snippets that lead to it."""

    permission_required = "authorizations.change_landingpage"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = get_object_or_404(Flow, pk=pk)
        return self._show(request, flow, LandingPageForm(instance=_page_of(flow), flow=flow))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        flow = get_object_or_404(Flow, pk=pk)
        form = LandingPageForm(request.POST, instance=_page_of(flow), flow=flow)
        if not form.is_valid():
            return self._show(request, flow, form, status=422)
        page = save_landing_page(flow=flow, **form.cleaned_data)
        messages.success(request, "The hosted page is open." if page.is_open else "The hosted page is closed.")
        return redirect("flow_embed", pk)

    def _show(self, request: HttpRequest, flow: Flow, form: LandingPageForm, status: int = 200) -> HttpResponse:
        page = _page_of(flow)
        context: dict[str, Any] = {"flow": flow, "page": page, "form": form}
        if page is not None:
            chosen = SnippetForm(request.GET)
            context |= _snippets(chosen, url=page.url, preview="flow_embed_preview", pk=flow.pk)
        return render(request, "authorizations/flow_embed.html", context, status=status)


@method_decorator(xframe_options_sameorigin, name="dispatch")
class LinkEmbedPreviewView(PermissionRequiredMixin, View):
    """One snippet of a link as others will see it, for a frame."""

    permission_required = "authorizations.view_link"

    def get(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        form = SnippetForm(request.GET)
        return _preview(request, kind, form, url=_link_url(_visible_link(request, pk), form))


@method_decorator(xframe_options_sameorigin, name="dispatch")
class FlowEmbedPreviewView(PermissionRequiredMixin, View):
    """One snippet of a hosted page as others will see it, for a frame."""

    permission_required = "authorizations.change_landingpage"

    def get(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        return _preview(request, kind, SnippetForm(request.GET), url=get_object_or_404(LandingPage, flow=pk).url)


def _visible_link(request: HttpRequest, pk: int) -> Link:
    return get_object_or_404(Link.objects.visible_to(user_of(request)).with_people(), pk=pk)


def _link_url(link: Link, form: SnippetForm) -> str:
    return link.url if form.chosen("target") == "direct" else link.short_url


def _page_of(flow: Flow) -> LandingPage | None:
    """Read anew: a form changes the row that it was given, also when it is refused."""
    return LandingPage.objects.select_related("flow").filter(flow=flow).first()


def _snippets(form: SnippetForm, *, url: str, preview: str, pk: int) -> dict[str, Any]:
    language, target = form.chosen("language"), form.chosen("target")
    snippets = make_snippets(url=url, language=language)
    chosen = SnippetForm(initial={"language": language, "target": target})
    query = f"?language={language}&target={target}"
    previews = {kind: reverse(preview, args=[pk, kind]) + query for kind in TEMPLATES}
    return {"snippets": snippets, "snippet_form": chosen, "previews": previews}


def _preview(request: HttpRequest, kind: str, form: SnippetForm, *, url: str) -> HttpResponse:
    if kind not in TEMPLATES:
        raise Http404
    language = form.chosen("language")
    with translation.override(language):
        context = {"snippet": TEMPLATES[kind], **snippet_context(url=url, language=language)}
        response = render(request, "emails/embed_preview.html", context)
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return response
