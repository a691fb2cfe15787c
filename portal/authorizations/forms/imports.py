"""The forms of an import: the file, then what its columns mean and which links shall follow."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings

from portal.authorizations.models import Campaign, CustomerImport, Flow
from portal.authorizations.services.customer_columns import FIELDS, check_columns

_TOO_LARGE = (
    f"The file is larger than {settings.MAX_UPLOAD_BYTES // 1024**2} MB, so it was not kept. "
    "Split it and import the parts: rows are matched by External ID, so nothing comes twice."
)


class UploadForm(forms.Form):
    """A customer list. `too_large`: the upload handler threw it away while it arrived."""

    file = forms.FileField(
        label="Customer list",
        help_text="CSV or text, as your CRM or Excel exports it. Encoding, delimiter and columns are found out.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
        error_messages={
            "required": "Choose a file.",
            "empty": "The file is empty: it needs a header line and a line for each customer.",
        },
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if too_large:
            self.fields["file"].error_messages["required"] = _TOO_LARGE


class ColumnsForm(forms.Form):
    """One choice for each column of the list, and the flow whose links shall follow."""

    flow = forms.ModelChoiceField(
        Flow.objects.none(),
        required=False,
        empty_label="No links now",
        label="Issue links from",
        help_text="Every good row gets its link in the same go; who has a live one keeps it.",
    )
    campaign = forms.ModelChoiceField(Campaign.objects.none(), required=False, empty_label="No campaign")

    def __init__(self, data: Mapping[str, Any] | None = None, *, imported: CustomerImport) -> None:
        initial: dict[str, Any] = {f"column_{index}": field for index, field in imported.columns.items()}
        initial.update(flow=imported.flow_id, campaign=imported.campaign_id)
        super().__init__(data, initial=initial)
        self.header: Sequence[str] = imported.header
        self.fields["flow"].queryset = Flow.objects.live().order_by("name")  # type: ignore[attr-defined]
        self.fields["campaign"].queryset = Campaign.objects.running().filter(flow__in=Flow.objects.live())  # type: ignore[attr-defined]
        for index, name in enumerate(self.header):
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=name, required=False, choices=[("", "Leave out"), *FIELDS.items()]
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        flow, campaign = cleaned.get("flow"), cleaned.get("campaign")
        if campaign and not flow:
            cleaned["flow"] = campaign.flow
        elif campaign and flow and campaign.flow_id != flow.pk:
            self.add_error("campaign", f"The campaign “{campaign}” belongs to the flow “{campaign.flow}”.")
        for problem in check_columns(self.columns, self.header):
            self.add_error(None, problem)
        return cleaned

    @property
    def columns(self) -> dict[int, str]:
        """Column number → field, of those that are not left out."""
        chosen = {index: self.cleaned_data.get(f"column_{index}", "") for index in range(len(self.header))}
        return {index: field for index, field in chosen.items() if field}
