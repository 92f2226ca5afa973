"""Changes a draft: who stands on it, under which name, and which lines still need a look.

Each change is one transaction with the draft locked, so that two tabs or two people do not collide; it raises the
draft's ``revision`` and puts on record who made it. Each raises AlreadySent, with nothing changed, once somebody has
sent the draft, and DraftChanged where what it is about has gone. Must not send.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import batched

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from invites.composing import leaving_out, reading
from invites.composing.folding import Folding
from invites.composing.leaving_out import LeftOut, part
from invites.composing.reading import BadLine, Entry
from invites.composing.recognising import CHUNK, Person, keep_demo_people_out, people_on, person_of, recognise
from invites.errors import AlreadySent, DraftChanged, PutAside
from invites.models import (
    AddressBook,
    Conference,
    Contact,
    ContactGroup,
    DraftEdit,
    DraftLine,
    Invitation,
    Invitee,
    User,
)
from invites.models.draft_edit import EditKind
from invites.models.invitation import MOST_RINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change did to ``draft``, which is as it is now.

    ``changed`` are people who were on the list before and read differently now. ``folded`` are those of the list, new
    ones too, who were named again, and ``times_folded`` how often. ``lines`` could not be used (or not yet), and
    ``lines_gone`` are the keys of those that are no longer there. ``left_out`` are all who are marked "do not invite";
    the first of them stand among ``lines``; somebody was ``overridden`` who is on the list in spite of it now.
    ``ring_again_changed`` says that how often people are to be rung again was set.
    """

    draft: Invitation
    added: Sequence[Invitee] = ()
    changed: Sequence[Invitee] = ()
    folded: Sequence[Invitee] = ()
    times_folded: int = 0
    removed: Sequence[Invitee] = ()
    lines: Sequence[DraftLine] = ()
    lines_gone: Sequence[int] = ()
    left_out: Sequence[LeftOut] = ()
    overridden: Invitee | None = None
    ring_again_changed: bool = False

    def follows(self, revision: int) -> bool:
        """Whether nobody changed the draft between ``revision`` and this change."""
        return self.draft.revision == revision + 1


def open_draft(*, conference: Conference) -> Invitation:
    """The draft that all organizers of ``conference`` share; made when there is none."""
    draft, _created = conference.invitations.drafts().get_or_create(conference=conference)
    return draft


def find_draft(conference: Conference) -> Invitation | None:
    """The draft that all organizers of ``conference`` share, where there is one."""
    return conference.invitations.drafts().first()


def add_text(*, draft: Invitation, text: str, user: User) -> Change:
    """Adds everybody whom ``text`` names; lines that are of no use stay on the draft with their reason."""
    app = draft.conference.app
    people, bad = recognise(reading.read(text, country=app.country), user=user, app=app)
    return _add(draft, people, bad, user=user)


def add_found(*, draft: Invitation, found: Entry, user: User) -> Change:
    """Adds somebody whom the company directory has found, who may be a contact as well."""
    people, bad = recognise([found], user=user, app=draft.conference.app)
    return _add(draft, people, bad, user=user)


def add_contacts(*, draft: Invitation, contacts: Iterable[Contact], user: User) -> Change:
    """Adds ``contacts``, by unionId where they have one."""
    people, bad = keep_demo_people_out(map(person_of, contacts), app=draft.conference.app)
    return _add(draft, people, bad, user=user)


def add_group(*, draft: Invitation, group: ContactGroup, user: User) -> Change:
    """Adds the members of ``group``."""
    return add_contacts(draft=draft, contacts=group.contacts.all().by_name(), user=user)


def add_book(*, draft: Invitation, book: AddressBook, user: User) -> Change:
    """Adds everybody in ``book``."""
    return add_contacts(draft=draft, contacts=book.contacts.all().by_name(), user=user)


def add_invitation(*, draft: Invitation, invitation: Invitation, user: User) -> Change:
    """Adds everybody on a sent ``invitation``, which belongs to the same app; ``user`` may read it."""
    people, bad = keep_demo_people_out(people_on(invitation, user=user), app=draft.conference.app)
    return _add(draft, people, bad, user=user)


def ring_again(*, draft: Invitation, minutes: int | None, user: User) -> Change:
    """Sets that whoever does not join is rung again every so many ``minutes``, a few times; None that nobody is."""
    with _changing(draft) as locked:
        locked.rings_left = 0 if minutes is None else MOST_RINGS
        locked.ring_again_minutes = minutes or 0
        locked.save(update_fields=["rings_left", "ring_again_minutes"])
        DraftEdit.objects.note(locked, EditKind.RINGS_SET, by=user)
        return Change(draft=locked, ring_again_changed=True)


def remove(*, invitee: Invitee, user: User) -> Change:
    """Takes somebody off the draft that they stand on."""
    with _changing(invitee.invitation) as draft:
        draft.invitees.among([invitee.pk]).delete()
        DraftEdit.objects.note(draft, EditKind.REMOVED, by=user, people=1)
        return Change(draft=draft, removed=[invitee])


def clear(*, draft: Invitation, user: User) -> Change:
    """Takes everybody and every line off the draft."""
    with _changing(draft) as locked:
        people = list(locked.invitees.in_order())
        locked.invitees.all().delete()
        locked.draft_lines.all().delete()
        DraftEdit.objects.note(locked, EditKind.CLEARED, by=user, people=len(people))
        return Change(draft=locked, removed=people)


def rename(*, invitee: Invitee, nick: str, user: User) -> Change:
    """Gives somebody on a draft another name, which has been validated."""
    with _changing(invitee.invitation) as draft:
        if not draft.invitees.among([invitee.pk]).update(nick=nick, nick_filled_in=False):
            raise DraftChanged
        invitee.nick, invitee.nick_filled_in = nick, False
        DraftEdit.objects.note(draft, EditKind.EDITED, by=user, people=1)
        return Change(draft=draft, changed=[invitee])


def correct_line(*, line: DraftLine, text: str, user: User) -> Change:
    """Reads ``text`` in place of ``line``: it goes when it can be used, and keeps its place when it cannot."""
    app = line.invitation.conference.app
    people, bad = recognise(reading.read(text, country=app.country), user=user, app=app)
    people, left_out = part(people, user=user, app=app)
    with _changing(line.invitation) as draft:
        if not draft.draft_lines.contains(line):
            raise DraftChanged
        pk = line.pk
        if bad:
            line.text, line.problem, line.contact = bad[0].text, bad[0].problem, None
            line.save(update_fields=["text", "problem", "contact"])
        else:
            line.delete()
        change = _put(draft, people, bad[1:], left_out)
        DraftEdit.objects.note(draft, EditKind.ADDED, by=user, people=len(change.added))
        if bad:
            return replace(change, lines=[line, *change.lines])
        return replace(change, lines_gone=[pk])


def invite_anyway(*, line: DraftLine, user: User) -> Change:
    """Puts the person of a ``line``, who was left out, on the list in spite of the mark, by decision of ``user``."""
    app = line.invitation.conference.app
    people, bad = recognise(reading.read(line.text, country=app.country), user=user, app=app)
    people = leaving_out.overriding(people, user=user, app=app)
    with _changing(line.invitation) as draft:
        if not draft.draft_lines.left_out().contains(line):
            raise DraftChanged
        pk = line.pk
        line.delete()
        change = _put(draft, people, bad)
        DraftEdit.objects.note(draft, EditKind.OVERRIDDEN, by=user, people=1)
        listed = [*change.added, *change.changed]
        overridden = next((invitee for invitee in listed if invitee.is_overridden), None)
        return replace(change, lines_gone=[pk], overridden=overridden)


def keep_anyway(*, invitee: Invitee, user: User) -> Change:
    """Keeps somebody on the list who has been marked since they were put there; ``user`` is on record for it."""
    with _changing(invitee.invitation) as draft:
        listed = draft.invitees.among([invitee.pk]).with_contact().first()
        if listed is None:
            raise DraftChanged
        leaving_out.find_marks([listed], user=user, app=draft.conference.app)
        if listed.mark is not None:
            listed.override(by=user, reason=listed.mark.do_not_invite_reason)
        elif not listed.is_overridden:
            raise DraftChanged
        DraftEdit.objects.note(draft, EditKind.OVERRIDDEN, by=user, people=1)
        return Change(draft=draft, changed=[listed], overridden=listed)


def remove_line(*, line: DraftLine, user: User) -> Change:
    """Throws a line away that could not be used."""
    with _changing(line.invitation) as draft:
        pk = line.pk
        line.delete()
        DraftEdit.objects.note(draft, EditKind.LINES_REMOVED, by=user)
        return Change(draft=draft, lines_gone=[pk])


def remove_lines(*, draft: Invitation, user: User, left_out: bool = False) -> Change:
    """Throws all lines away that could not be used, or those of the people who are left out."""
    with _changing(draft) as locked:
        lines = locked.draft_lines.left_out() if left_out else locked.draft_lines.to_correct()
        gone = list(lines.values_list("pk", flat=True))
        lines.delete()
        DraftEdit.objects.note(locked, EditKind.LINES_REMOVED, by=user)
        return Change(draft=locked, lines_gone=gone)


def carry_lines_over(*, sent: Invitation) -> None:
    """Moves the lines that still need a look from an invitation that was ``sent`` to the draft that follows it.

    Whoever was left out of it has been left out for good: of them nothing is to be corrected.
    """
    if sent.draft_lines.to_correct().exists():
        with transaction.atomic():
            sent.draft_lines.to_correct().update(invitation=open_draft(conference=sent.conference))


@contextmanager
def _changing(draft: Invitation) -> Iterator[Invitation]:
    """The draft, locked and fresh, with the next ``revision``."""
    with transaction.atomic():
        locked = Invitation.objects.for_change().get(pk=draft.pk)
        if locked.is_put_aside:
            raise PutAside
        if not locked.is_draft:
            raise AlreadySent(_("This list has been sent meanwhile, so it can no longer be changed."))
        locked.revision += 1
        locked.save(update_fields=["revision"])
        yield locked


def _add(draft: Invitation, people: list[Person], bad: Sequence[BadLine], *, user: User) -> Change:
    """Puts ``people`` on a draft, but for those whom ``user`` is asked not to invite."""
    welcome, left_out = part(people, user=user, app=draft.conference.app)
    with _changing(draft) as locked:
        change = _put(locked, welcome, bad, left_out)
        DraftEdit.objects.note(locked, EditKind.ADDED, by=user, people=len(change.added))
        return change


def _put(
    draft: Invitation, people: Sequence[Person], bad: Sequence[BadLine], left_out: Sequence[LeftOut] = ()
) -> Change:
    """Stores ``people``, ``bad`` lines and those ``left_out`` on a locked draft."""
    position = draft.invitees.next_position()
    named = [*people, *(one.person for one in left_out)]
    folding = Folding(draft, _standing_already(draft, named) if position else [], next_position=position)
    for person in people:
        folding.add(person)
    # Whoever stands on the list has been let onto it.
    away: list[LeftOut] = []
    for one in left_out:
        if folding.seats(one.person):
            folding.add(one.person)
        else:
            away.append(one)
    draft.invitees.among(invitee.pk for invitee in folding.gone).delete()
    new = set(map(id, folding.new))
    known = [invitee for invitee in folding.folded.values() if id(invitee) not in new]
    _count_again(draft, known)
    added = Invitee.objects.bulk_create(folding.new)
    Invitee.objects.bulk_update(folding.renamed, ["nick", "nick_filled_in"], batch_size=500)
    Invitee.objects.bulk_update(folding.overridden, ["overridden_by", "overridden_reason"], batch_size=500)
    return Change(
        draft=draft,
        added=added,
        changed=known,
        folded=list(folding.folded.values()),
        times_folded=folding.times_folded,
        removed=folding.gone,
        lines=_put_lines(draft, bad, away),
        left_out=away,
    )


def _put_lines(draft: Invitation, bad: Sequence[BadLine], left_out: Sequence[LeftOut]) -> list[DraftLine]:
    """Stores ``bad`` lines and the first of those ``left_out``; one that stands there already, word for word, is not
    asked about twice.
    """
    lines = [DraftLine(invitation=draft, text=line.text, problem=line.problem) for line in bad]
    lines += [leaving_out.line(draft, one) for one in left_out[: leaving_out.MOST_LINES]]
    texts = {line.text: line for line in lines}
    standing = {line.text: line for line in draft.draft_lines.all()} if texts else {}
    created = DraftLine.objects.bulk_create(line for text, line in texts.items() if text not in standing)
    return [line for text, line in standing.items() if text in texts] + created


def _count_again(draft: Invitation, invitees: Iterable[Invitee]) -> None:
    """Stores how often ``invitees`` have been named: one query for all with the same number."""
    by_times: dict[int, list[int]] = defaultdict(list)
    for invitee in invitees:
        by_times[invitee.times_added].append(invitee.pk)
    for times, pks in by_times.items():
        for some in batched(pks, CHUNK):
            draft.invitees.among(some).update(times_added=times)


def _standing_already(draft: Invitation, people: Sequence[Person]) -> list[Invitee]:
    found: dict[int, Invitee] = {}
    for some in batched(people, CHUNK):
        union_ids = [person.union_id for person in some if person.union_id]
        numbers = [number for person in some for number in person.phone_numbers]
        found |= draft.invitees.known_as(union_ids=union_ids, phone_numbers=numbers).with_contact().in_bulk()
    return list(found.values())
