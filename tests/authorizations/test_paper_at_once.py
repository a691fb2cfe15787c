"""Two clicks at once record one paper authorization, and one file. On PostgreSQL they really overlap."""

from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.authorizations.models import PaperAuthorization, PaperForm
from portal.authorizations.services.paper import Recorded, record_paper_authorization
from tests.authorizations.test_links_at_once import at_once
from tests.factories import get_utilities, make_customer, make_scan

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_record_the_same_form() -> None:
    customer, [pge], content = make_customer(), get_utilities("pge"), make_scan().read()

    def record() -> Recorded:
        return record_paper_authorization(
            customer=customer,
            utility=pge,
            form=PaperForm.CISR_DRP,
            signed_on=date(2025, 7, 1),
            scan=SimpleUploadedFile("form.pdf", content),
            recorded_by=None,
        )

    found = at_once(*[record] * 4)
    assert sorted(recorded.created for recorded in found) == [False, False, False, True]
    assert PaperAuthorization.objects.count() == 1
    assert len(list((Path(settings.MEDIA_ROOT) / "scans").iterdir())) == 1
