"""Forms of printing: what stands on which paper, and how a printer is corrected."""

from typing import Any

from django import forms

from portal.authorizations.models import CodeLevel, PrinterSettings, PrintLanguage, PrintLine, PrintTarget
from portal.authorizations.services.printing import PrintRequest
from portal.printing.logos import MOST_BYTES, LogoError, read_logo
from portal.printing.stocks import STOCKS, OffPageError, PrintRefusedError, StartLabelError, Stock, find_stock

_TOO_LARGE = f"The logo has more than {MOST_BYTES // 1024**2} MB. Save it smaller: 400 pixels are enough for a code."


class PrintForm(forms.Form):
    """All that is chosen beside the links. `too_large`: the upload handler threw the logo away while it arrived."""

    stock = forms.CharField(max_length=100, error_messages={"required": "Choose the paper."})
    start_at = forms.IntegerField(
        label="First label",
        required=False,
        initial=1,
        help_text="On a partly used sheet: the first label that is still there, counted row by row.",
    )
    lines = forms.MultipleChoiceField(
        label="Beside the code",
        choices=PrintLine.choices,
        required=False,
        initial=[PrintLine.NAME, PrintLine.ADDRESS],
        widget=forms.CheckboxSelectMultiple,
    )
    language = forms.ChoiceField(
        label="“Scan with the camera …” in", choices=PrintLanguage.choices, initial=PrintLanguage.CUSTOMER
    )
    target = forms.ChoiceField(
        label="The code leads to", choices=PrintTarget.choices, initial=PrintTarget.SHORT, widget=forms.RadioSelect
    )
    level = forms.ChoiceField(
        label="Error correction",
        choices=CodeLevel.choices,
        initial=CodeLevel.Q,
        help_text="How much of a code may be dirty or torn. More makes a finer code.",
    )
    logo = forms.FileField(
        required=False,
        label="Logo in the middle of the code",
        help_text="PNG or JPEG, 2 MB at most; needs error correction H.",
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,image/png,image/jpeg"}),
        error_messages={"empty": "The logo is an empty file. Choose a PNG or JPEG file."},
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large

    def clean_stock(self) -> str:
        try:
            return find_stock(self.cleaned_data["stock"]).name
        except PrintRefusedError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_logo(self) -> bytes:
        file = self.cleaned_data["logo"]
        if self.too_large or (file and file.size > MOST_BYTES):
            raise forms.ValidationError(_TOO_LARGE)
        data: bytes = file.read() if file else b""
        if data:
            try:
                read_logo(data)
            except LogoError as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        stock, start = cleaned.get("stock"), cleaned.get("start_at")
        if stock and "start_at" in cleaned:
            try:
                STOCKS[stock].check_start(1 if start is None else start)
            except StartLabelError as refusal:
                self.add_error("start_at", str(refusal))
        return cleaned

    @property
    def request(self) -> PrintRequest:
        """What was chosen, of a valid form."""
        return PrintRequest(**{**self.cleaned_data, "start_at": self.cleaned_data["start_at"] or 1})

    @property
    def first_label(self) -> int:
        """Where the first sheet is begun: as chosen, or as the form proposes; 1 while that is not valid."""
        if self.is_bound:
            return self.request.start_at if self.is_valid() else 1
        return int(self["start_at"].value() or 1)

    def refuse(self, refusal: PrintRefusedError) -> None:
        """Show why this cannot be printed, at the field that it is about if there is one."""
        self.add_error("logo" if isinstance(refusal, LogoError) else None, str(refusal))


def _millimetres(label: str, **kwargs: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=False,
        widget=forms.NumberInput(attrs={"step": "0.1", "inputmode": "decimal"}),
        error_messages={"invalid": "Give millimetres as a number: 0.5 or -1.2."},
        **kwargs,
    )


class PrinterForm(forms.Form):
    """How a person's printer is corrected for one stock."""

    offset_x_mm = _millimetres("Move right, in mm", help_text="Negative: left.")
    offset_y_mm = _millimetres("Move down, in mm", help_text="Negative: up.")
    left_margin_mm = _millimetres("Left margin of the first label, in mm")
    top_margin_mm = _millimetres("Top margin of the first label, in mm")

    def __init__(self, data: Any = None, *, stock: Stock, printer: PrinterSettings) -> None:
        super().__init__(data, initial=printer.correction)
        self.stock = stock
        for name, own in (("left_margin_mm", stock.left), ("top_margin_mm", stock.top)):
            self.fields[name].help_text = f"Empty: {own:.4g} mm, as the paper’s maker says."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.stock.placed(**self.correction)
            except OffPageError as refusal:
                self.add_error(None, str(refusal))
        return cleaned

    @property
    def correction(self) -> dict[str, Any]:
        """What `save_printer` takes."""
        given = self.cleaned_data
        return {name: given[name] or 0.0 if name.startswith("offset") else given[name] for name in self.fields}
