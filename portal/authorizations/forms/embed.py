"""What is chosen beside the snippets of a link, and the form of a hosted page."""

from typing import Any

from django import forms
from django.db.models import Q

from portal.authorizations.models import Campaign, CampaignState, Flow, LandingPage, Language


class SnippetForm(forms.Form):
    """The words' language, and where they lead. Whatever is no choice counts as the first."""

    language = forms.ChoiceField(choices=Language.choices, required=False)
    target = forms.ChoiceField(
        choices=[
            ("short", "short link: sees visits"),
            ("direct", "Leap’s URL: sees none"),
        ],
        label="Leads to",
        required=False,
    )

    def chosen(self, name: str) -> str:
        """The choice in force."""
        self.full_clean()
        return self.cleaned_data.get(name) or str(self.fields[name].choices[0][0])  # type: ignore[attr-defined]


class LandingPageForm(forms.ModelForm[LandingPage]):
    """Whether a flow's hosted page is open, and its words."""

    class Meta:
        model = LandingPage
        fields = ["is_open", "campaign", "headline", "headline_es"]
        labels = {"is_open": "Open: web visitors can ask for a link"}

    def __init__(self, *args: Any, flow: Flow, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the page has stays choosable, whatever has become of it.
        campaigns = Campaign.objects.filter(Q(state=CampaignState.RUNNING) | Q(pk=self.instance.campaign_id), flow=flow)
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]
        self.fields["campaign"].empty_label = "No campaign"  # type: ignore[attr-defined]
