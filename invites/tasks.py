"""What a worker runs through Django's Tasks interface. Each task only calls a verb.

A task is a bell, not a record: what is still to be sent stands in our own tables, and a bell that is lost is rung
again by `invites.recovering`. A bell that rings twice does no harm, since batches are claimed.
"""

from django.tasks import task

from invites import delivering


@task()
def deliver_invitation(invitation_id: int) -> None:
    """Sends what is due of an invitation, and rings again for what will be due later."""
    next_due = delivering.deliver(invitation_id=invitation_id, policy=delivering.WORKER)
    if next_due is not None:
        deliver_invitation.using(run_after=next_due).enqueue(invitation_id)
