"""The tester's form."""

from typing import Any
from urllib.parse import urlsplit

from django import forms

from portal.sandbox.models import Flow
from portal.sandbox.utilities import CUSTOMER_TYPES, REGIONS, UTILITIES


class FlowForm(forms.ModelForm[Flow]):
    """What Leap would configure. The three lists are JSON in the table, ticks on the screen."""

    regions = forms.MultipleChoiceField(choices=list(REGIONS.items()), widget=forms.CheckboxSelectMultiple)
    customer_types = forms.MultipleChoiceField(
        choices=[("RESIDENTIAL", "Residential"), ("COMMERCIAL", "Commercial")], widget=forms.CheckboxSelectMultiple
    )
    utilities = forms.MultipleChoiceField(
        choices=[(utility.utility_id, utility.name) for utility in UTILITIES if not utility.is_test],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Utilities offered",
        help_text="None ticked: all of the region.",
    )

    class Meta:
        model = Flow
        fields = [
            "brand_name",
            "brand_colour",
            "regions",
            "customer_types",
            "utilities",
            "terms",
            "terms_after_utility",
            "asks_second_factor",
            "expected_days",
            "final_redirect_url",
        ]
        labels = {"final_redirect_url": "Final Redirect URL"}
        widgets = {"terms": forms.Textarea(attrs={"rows": 3})}

    def clean_final_redirect_url(self) -> str:
        """Take an address of the web, a page of this portal (/leap/thanks), or none."""
        url: str = self.cleaned_data["final_redirect_url"]
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        is_own = not parts.scheme and not parts.netloc and parts.path.startswith("/")
        is_elsewhere = parts.scheme in {"http", "https"} and parts.hostname
        if url and (not (is_own or is_elsewhere) or any(c in url for c in ";, '\"\\")):
            raise forms.ValidationError(
                "Write the whole address, such as https://partner.com/leap/thanks, or /leap/thanks here."
            )
        return url

    def clean_customer_types(self) -> list[str]:
        return self._in_order("customer_types", CUSTOMER_TYPES)

    def clean_regions(self) -> list[str]:
        return self._in_order("regions", REGIONS)

    def _in_order(self, name: str, known: dict[str, Any]) -> list[str]:
        return [value for value in known if value in self.cleaned_data[name]]
