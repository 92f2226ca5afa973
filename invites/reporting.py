"""The weekly digest: what it says to one person, and sending it by mail, once per person and week.

Must not decide who may see what: `invites.permissions` does. Nothing is sent where the settings say nothing of mail.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from invites import clock, permissions, surveying
from invites.models import User, WeeklyMail
from invites.surveying import COUNTED_UP_TO, CodeTally, Tally

MORNING = time(7)
"""When the week's mail is due on a Monday, by the clock of the installation."""

# A digest that is later than that is none: workers that stood still on Monday send it on Tuesday.
_SENT_WITHIN = timedelta(days=2)
_WEEK = timedelta(days=7)
# Between tries, longer each time: a mail server that is away for an hour costs nobody the digest.
_PAUSE = timedelta(minutes=15)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of both weeks, as it is written."""

    label: str
    week: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One week, from Monday to Sunday, as far as one person sees it, beside the week before.

    ``unresolved`` counts the calls of which nobody knows yet whom they rang; beyond COUNTED_UP_TO not all of them.
    """

    first: date
    last: date
    week: Tally
    before: Tally
    codes: tuple[CodeTally, ...]
    unresolved: int
    sees_all: bool

    @property
    def rows(self) -> list[Row]:
        """The figures, in the language of the moment."""
        written = zip(_written(self.week), _written(self.before), strict=True)
        return [Row(label=label, week=week, before=before) for (label, week), (_label, before) in written]

    @property
    def counted(self) -> int:
        """How many are unresolved, up to what was counted."""
        return min(self.unresolved, COUNTED_UP_TO)

    @property
    def is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.unresolved > COUNTED_UP_TO


def week_due(now: datetime) -> date | None:
    """The Monday of the week whose digest is to be sent at ``now``; None where it is not the time for any, and where
    the installation sends no mail.
    """
    if not settings.MAIL_IS_SET_UP:
        return None
    local = now.astimezone(timezone.get_default_timezone())
    monday = local.date() - timedelta(days=local.weekday())
    due = datetime.combine(monday, MORNING, tzinfo=local.tzinfo)
    return monday - _WEEK if due <= local < due + _SENT_WITHIN else None


def take_due(week: date) -> list[int]:
    """Takes up the mails about ``week`` that are to be sent now, and returns their keys: one of all workers gets each.

    The caller holds a transaction in which it asks for them to be sent.
    """
    now = timezone.now()
    users = User.objects.who_want_digest()
    WeeklyMail.objects.make_for(users, week=week, now=now)
    # Of those that come back, too: meanwhile somebody may want none any more.
    return WeeklyMail.objects.of_week(week).to(users).take(now)


def send(mail_id: int) -> None:
    """Sends one mail that was taken up; where that fails it is tried again later."""
    mail = WeeklyMail.objects.with_user().get(pk=mail_id)
    message = message_to(mail.user, week=mail.week)
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.warning(
            "The weekly digest for user %s could not be sent: %s", mail.user_id, type(error).__name__
        )
        mail.note_problem(type(error).__name__, try_at=timezone.now() + _PAUSE * 2**mail.tries)
        return
    mail.note_sent(timezone.now())
    logger.info("The weekly digest was sent to user %s", mail.user_id)


def digest_for(user: User, *, week: date) -> Digest:
    """What the week that begins on ``week`` was like, as far as ``user`` may see it."""
    conferences = permissions.surveyed_conferences(user)
    last = week + _WEEK - timedelta(days=1)
    this = surveying.figures(conferences, last=last, length=_WEEK.days)
    before = surveying.figures(conferences, last=last - _WEEK, length=_WEEK.days)
    return Digest(
        first=week,
        last=last,
        week=this.together,
        before=before.together,
        codes=this.codes,
        unresolved=surveying.count_unresolved(conferences, since=clock.beginning_of(week)),
        sees_all=conferences is None,
    )


def message_to(user: User, *, week: date) -> EmailMultiAlternatives:
    """The mail with the digest of ``week``, in the language in which ``user`` asked for it."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        digest = digest_for(user, week=week)
        context = {
            "digest": digest,
            "name": user.display_name,
            "home_url": _url("home"),
            "history_url": _url("invites:attempt_list"),
            "codes_url": _url("invites:code_list"),
            "settings_url": _url("invites:settings"),
        }
        subject = _("Conference Invites: the week from %(first)s to %(last)s") % {
            "first": formats.date_format(digest.first, "MONTH_DAY_FORMAT"),
            "last": formats.date_format(digest.last, "MONTH_DAY_FORMAT"),
        }
        message = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string("mail/weekly_digest.txt", context),
            to=[user.email],
            # What mail programs show as a way to stop it: the box to untick.
            headers={"List-Unsubscribe": f"<{context['settings_url']}>", "Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(render_to_string("mail/weekly_digest.html", context), "text/html")
    return message


def _written(tally: Tally) -> list[tuple[str, str]]:
    number = partial(formats.number_format, use_l10n=True, force_grouping=True)
    return [
        (_("Invitations sent"), number(tally.invitations)),
        (_("Calls made to DingTalk"), number(tally.calls)),
        (_("Calls that succeeded"), _percent(tally.share_succeeded)),
        (_("People invited"), number(tally.invited)),
        (_("People not invited"), number(tally.not_invited)),
        (_("People in calls without an answer"), number(tally.in_doubt)),
        (_("Joined, of those seen"), _percent(tally.share_joined)),
    ]


def _percent(share: int | None) -> str:
    return "–" if share is None else f"{share}%"


def last_week() -> date:
    """The Monday of the last week that is over."""
    today = clock.today()
    return today - timedelta(days=today.weekday()) - _WEEK


def _url(name: str) -> str:
    return f"{settings.SITE_URL}{reverse(name)}"
