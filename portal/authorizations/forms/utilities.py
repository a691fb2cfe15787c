"""The form of a utility."""

from typing import Any

from django import forms

from portal.authorizations.models import Region, Utility
from portal.authorizations.services.utilities import find_conflicts
from portal.leap.authorization_urls import explain_slug
from portal.leap.characters import quote


class UtilityForm(forms.ModelForm[Utility]):
    """A row of the catalogue. What a flow needs cannot be taken away: the error names the flow."""

    class Meta:
        model = Utility
        fields = [
            "region",
            "utility_id",
            "name",
            "short_name",
            "leap_name",
            "expected_days",
            "supports_connect",
            "supports_legacy",
        ]
        widgets = {"utility_id": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].choices = [("", "Choose one"), *Region.choices]  # type: ignore[attr-defined]

    def clean_utility_id(self) -> str:
        utility_id: str = self.cleaned_data["utility_id"]
        if reason := explain_slug(utility_id):
            raise forms.ValidationError(f"{reason}. It stands in URLs.")
        return utility_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for field in ("utility_id", "name", "short_name"):
            # Capitals included: files of customers name utilities as it comes, and must find one.
            same = Utility.objects.filter(**{f"{field}__iexact": cleaned.get(field, "")}).exclude(pk=self.instance.pk)
            if other := same.first():
                self.add_error(field, f"{quote(cleaned[field])} is in the catalogue already: {other}, {other.region}.")
        region, legacy = cleaned.get("region"), cleaned.get("supports_legacy")
        if legacy and region and region != Region.CAISO:
            self.add_error(
                "supports_legacy",
                f"Legacy ShareMyData exists in CAISO only: {cleaned.get('short_name') or 'this utility'} is in "
                f"{Region(region).label}.",
            )
        if not legacy and not cleaned.get("supports_connect"):
            self.add_error("supports_connect", "Tick at least one journey: a utility without one cannot be offered.")
        changed = Utility(
            pk=self.instance.pk,
            short_name=cleaned.get("short_name") or self.instance.short_name,
            region=region or self.instance.region,
            supports_legacy=bool(legacy),
            supports_connect=bool(cleaned.get("supports_connect")),
        )
        for conflict in find_conflicts(changed):
            self.add_error(conflict.field, conflict.reason)
        return cleaned
