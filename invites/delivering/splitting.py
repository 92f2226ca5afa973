"""Puts the people of a refused batch into smaller ones, each to be sent by itself.

The caller holds the transaction in which the batch is ours.
"""

from collections.abc import Sequence

from django.db.models import Max

from invites.models import Batch, Invitation, Invitee


def split(batch: Batch, parts: Sequence[Sequence[int]], *, times_shrunk: int | None = None) -> list[Batch]:
    """Makes a waiting batch of each of ``parts``, which are keys of pending people of ``batch``; skips empty ones.

    They take over when the batch was first tried, so that the time for all tries together is bounded.
    """
    # Parts of one invitation are numbered one after the other, even where two workers split at once. Claims, which
    # only refer to the invitation, need not wait.
    Invitation.objects.select_for_update(no_key=True).get(pk=batch.invitation_id)
    last = Batch.objects.of(batch.invitation_id).aggregate(last=Max("number"))["last"]
    made = []
    for number, keys in enumerate(filter(None, parts), start=last + 1):
        part = Batch.objects.create(
            invitation_id=batch.invitation_id,
            number=number,
            people=len(keys),
            half_of=batch,
            first_tried_at=batch.first_tried_at,
            not_before=batch.not_before,
            was_looked_up=batch.was_looked_up,
            times_shrunk=batch.times_shrunk if times_shrunk is None else times_shrunk,
        )
        Invitee.objects.among(keys).update(batch=part)
        made.append(part)
    return made


def halve(batch: Batch, *, times_shrunk: int | None = None) -> list[Batch]:
    """Splits ``batch`` in the middle, so that whatever is wrong with it ends up in the smaller part of it."""
    keys = list(batch.invitees.pending().in_order().values_list("pk", flat=True))
    middle = (len(keys) + 1) // 2
    return split(batch, (keys[:middle], keys[middle:]), times_shrunk=times_shrunk)


def shrink_waiting(invitation_id: int, *, to: int) -> None:
    """Cuts every batch of an invitation that still waits with more than ``to`` people into ones of at most so many.

    Nothing has been sent of them: the wholes give way to their parts.
    """
    large = Batch.objects.of(invitation_id).waiting().larger_than(to)
    for batch in Batch.objects.among(large.lock()):
        keys = list(batch.invitees.pending().in_order().values_list("pk", flat=True))
        split(batch, [keys[start : start + to] for start in range(0, len(keys), to)])
        batch.take()
