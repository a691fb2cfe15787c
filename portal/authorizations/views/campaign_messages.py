"""The words of a campaign's mails, how they will look, and a test to oneself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.generic import View

from portal.authorizations.forms.mails import MessageForm
from portal.authorizations.models import Campaign, Installation, Language, Message, MessageKind
from portal.authorizations.services.mail_composer import sender_address
from portal.authorizations.services.mail_samples import find_sample, send_test, show_in_browser, write_sample
from portal.authorizations.services.mail_server import Fate, ServerAway, writes_to_the_log
from portal.authorizations.services.mailings import explain_no_sending
from portal.authorizations.services.messages import PLACEHOLDERS, Words, save_message, words_in
from portal.authorizations.views.campaign_wizard import OpenCampaignView, list_steps
from portal.authorizations.views.lists import user_of

#: A mail has inline styles and its codes as data: shown in a frame of ours, without scripts.
PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


class CampaignMessagePage(PermissionRequiredMixin, View):
    """What is about a campaign's message of one kind. Query: kind."""

    permission_required: tuple[str, ...] = ("authorizations.view_campaign", "authorizations.change_message")

    def find(self, request: HttpRequest, pk: int) -> Message:
        """Return the message, unsaved if there is none yet: looking makes none."""
        campaign = get_object_or_404(Campaign.objects.select_related("flow"), pk=pk)
        kind = request.GET.get("kind", "")
        kind = kind if kind in MessageKind.values else MessageKind.INVITATION.value
        found = Message.objects.filter(campaign=campaign, kind=kind).first()
        message = found or Message(campaign=campaign, kind=kind)
        message.campaign = campaign
        return message


class CampaignMessageView(CampaignMessagePage, OpenCampaignView):
    """The form. `do` in the post: save, or test-en and test-es to send what is written to oneself."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self.find(request, pk)
        return self._show(request, message, MessageForm(message=message))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self.find(request, pk)
        form = MessageForm(request.POST, message=message)
        if not form.is_valid():
            return self._show(request, message, form, status=422)
        language = {"test-en": "en", "test-es": "es"}.get(request.POST.get("do", ""))
        if language:
            self._send_test(request, message, form.words(language), language)
            return self._show(request, message, form, is_unsaved=form.is_unsaved)
        save_message(campaign=message.campaign, kind=message.kind, english=form.words("en"), spanish=form.words("es"))
        if request.POST.get("do") == "go-on" and message.campaign.is_draft:
            return redirect("campaign_review", pk)
        messages.success(request, "Saved. Mails that wait are written with these words.")
        return redirect(f"{reverse('campaign_message', args=[pk])}?kind={message.kind}")

    def _send_test(self, request: HttpRequest, message: Message, words: Words, language: str) -> None:
        installation, to = Installation.objects.read(), user_of(request).email
        if not to:
            messages.warning(request, "You have no email address here: an admin can add it on the page People.")
            return
        if not sender_address(installation):
            messages.warning(request, explain_no_sending(installation))
            return
        letter = write_sample(
            message=message,
            words=words,
            language=language,
            installation=installation,
            # Nobody's: whoever clicks in a test must not count as a customer who came.
            link=None,
        )
        try:
            answer = send_test(letter=letter, to=to, installation=installation)
        except ServerAway as away:
            messages.error(request, f"The mail server did not take the test: {away}")
            return
        if writes_to_the_log():
            messages.warning(request, f"No mail server is set: the test to {to} stands in the portal’s log only.")
        elif answer.fate is Fate.TAKEN:
            messages.success(request, f"The mail server took the test to {to}.")
        else:
            messages.error(request, f"The mail server did not take the test: {answer.words}")

    def _show(
        self,
        request: HttpRequest,
        message: Message,
        form: MessageForm,
        status: int = 200,
        *,
        is_unsaved: bool = False,
    ) -> HttpResponse:
        preview = reverse("campaign_message_preview", args=[message.campaign.pk])
        campaign = message.campaign
        context: dict[str, Any] = {
            "campaign": campaign,
            "steps": list_steps(campaign, "message") if campaign.is_draft and campaign.is_mailed else [],
            "message": message,
            "kind": message.kind,
            "kinds": MessageKind.choices,
            "form": form,
            "is_unsaved": is_unsaved or status != 200,
            "languages": [
                {
                    "code": code,
                    "name": name,
                    "subject": form[f"subject_{code}"],
                    "body": form[f"body_{code}"],
                    "preview": f"{preview}?kind={message.kind}&language={code}",
                }
                for code, name in Language.choices
            ],
            "placeholders": [(f"{{{name}}}", words) for name, words in PLACEHOLDERS.items()],
            "sample": find_sample(message.campaign),
            "why_none": explain_no_sending(Installation.objects.read()),
        }
        return render(request, "authorizations/campaign_message.html", context, status=status)


@method_decorator(xframe_options_sameorigin, name="dispatch")
class CampaignMessagePreviewView(CampaignMessagePage):
    """One mail as its reader will see it, for a frame. Query: language, part (html, text). Posted: words not saved."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        message, language = self.find(request, pk), self._language(request)
        return self._preview(request, message, words_in(message, language), language)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        message, language = self.find(request, pk), self._language(request)
        form = MessageForm(request.POST, message=message)
        if form.is_valid():
            return self._preview(request, message, form.words(language), language)
        problems = "\n\n".join(str(problem) for errors in form.errors.values() for problem in errors)
        return self._answer(HttpResponse(problems, content_type="text/plain; charset=utf-8", status=422))

    def _language(self, request: HttpRequest) -> str:
        wanted = request.GET.get("language", "")
        return wanted if wanted in Language.values else Language.ENGLISH.value

    def _preview(self, request: HttpRequest, message: Message, words: Words, language: str) -> HttpResponse:
        installation = Installation.objects.read()
        letter = write_sample(
            message=message,
            words=words,
            language=language,
            installation=installation,
            link=find_sample(message.campaign),
        )
        if request.GET.get("part") == "text":
            shown = f"{letter.subject}\n\n{letter.text}"
            return self._answer(HttpResponse(shown, content_type="text/plain; charset=utf-8"))
        return self._answer(HttpResponse(show_in_browser(letter, installation=installation)))

    def _answer(self, response: HttpResponse) -> HttpResponse:
        response.headers["Content-Security-Policy"] = PREVIEW_POLICY
        return response
