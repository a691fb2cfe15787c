"""The wizard's last page: what a launch would do, what stands in its way, and the button."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from portal.authorizations.filters.audience import find_audience
from portal.authorizations.models import Installation
from portal.authorizations.services.campaign_print import request_of
from portal.authorizations.services.campaign_review import Review, first_mail_at, review_campaign, sending_takes
from portal.authorizations.services.campaign_states import version_of
from portal.authorizations.views.campaign_wizard import ADDRESSES, CampaignStepView
from portal.printing.stocks import STOCKS


class CampaignReviewView(CampaignStepView):
    """Counts, refusals, a sample link, what stands in the way; and the button that launches."""

    step = "review"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = find_audience(campaign=self.campaign, request=request)
        review = review_campaign(campaign=self.campaign, customers=found.customers)
        blockers = [{"reason": blocker.reason, "url": self._url_of(blocker.step)} for blocker in review.blockers]
        if found.problem:
            blockers.insert(0, {"reason": found.problem, "url": self._url_of("audience")})
        return self.show(
            None,
            review=review,
            audience=found,
            blockers=blockers,
            version=version_of(self.campaign),
            wanted=request_of(self.campaign),
            stock=STOCKS.get(self.campaign.stock),
            pages=self._pages(review),
            **self._mails(review),
        )

    def _url_of(self, step: str) -> str:
        if step == "installation":
            allowed = self.request.user.has_perm("authorizations.change_installation")
            return reverse("installation_update") if allowed else ""
        return reverse(ADDRESSES[step], args=[self.campaign.pk]) if step else ""

    def _pages(self, review: Review) -> int:
        wanted = request_of(self.campaign)
        stock = STOCKS.get(wanted.stock) if wanted else None
        return stock.pages_for(review.reached, start_at=wanted.start_at) if wanted and stock else 0

    def _mails(self, review: Review) -> dict[str, Any]:
        if not self.campaign.is_mailed:
            return {}
        first = first_mail_at(self.campaign)
        return {
            "rate": Installation.objects.current().mails_per_minute,
            "first_mail_at": first,
            "last_mail_at": first + sending_takes(review.reached),
        }
