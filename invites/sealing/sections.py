"""What a sealed day consists of: for each kind of rows, which fields of a row are sealed."""

from collections.abc import Sequence
from dataclasses import dataclass

from invites.sealing.fields import Field, Flag, Moment, Plain, Salted, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows of one kind. The first of ``fields`` is the key, and ``day`` says to which day a row belongs.

    ``model`` is what it is called where a row is named.
    """

    name: str
    model: str
    source: str
    day: str
    fields: Sequence[Field]

    @property
    def key(self) -> str:
        """The column of the key."""
        return self.fields[0].columns[0]


def _plain(*columns: str) -> list[Field]:
    return [Plain(column) for column in columns]


INVITATIONS = Section(
    name="invitations",
    model="Invitation",
    source="invites_invitation i",
    day="i.day",
    fields=[
        *_plain("i.id", "i.day", "i.conference_id", "i.sent_by_id"),
        Text("i.operator_union_id"),
        Moment("i.created_at"),
        Moment("i.sent_at"),
        *_plain("i.source", "i.repeats_id"),
        Flag("i.is_automatic"),
        Text("i.trace_id"),
    ],
)
# The snapshot of a person and not what became of them. It is digested as it stands on the invitation, so that it is
# told when either this or who it was in the history is changed.
INVITEES = Section(
    name="invitees",
    model="Invitee",
    source="""invites_invitation i JOIN invites_invitee n ON n.invitation_id = i.id
        LEFT JOIN invites_person p ON p.id = n.person_id""",
    day="i.day",
    fields=[
        *_plain("n.id", "n.invitation_id", "n.position", "n.channel", "n.person_id", "n.overridden_by_id"),
        Text("n.overridden_reason"),
        Flag("n.nick_filled_in"),
        Plain("n.times_added"),
        Salted(
            salt="p.salt",
            texts=("n.channel", "n.value", "n.nick"),
            kept="p.digest",
            is_erased="""p.digest IS NOT NULL AND p.channel = n.channel
                AND n.nick = '—' AND n.value = '+erased-' || n.id""",
            agrees="p.digest IS NULL AND p.channel = n.channel AND p.value = n.value AND p.nick = n.nick",
        ),
    ],
)
ATTEMPTS = Section(
    name="attempts",
    model="Attempt",
    source="invites_attempt a",
    day="a.day",
    fields=[
        *_plain("a.id", "a.day", "a.invitation_id", "a.batch_id", "a.number", "a.state", "a.people"),
        Plain("a.people_state"),
        Moment("a.started_at"),
        Moment("a.deadline"),
        Moment("a.finished_at"),
        *_plain("a.duration_ms", "a.http_status"),
        Text("a.error_code"),
        Text("a.request_id"),
        *_plain("a.conference_id", "a.app_id", "a.organizer_id", "a.channels"),
        Text("a.trace_id"),
        Salted(
            salt="a.salt",
            texts=("a.error_message", "a.response_excerpt"),
            kept="a.texts_digest",
            is_erased="a.texts_digest IS NOT NULL AND a.error_message = '' AND a.response_excerpt = ''",
            agrees="a.texts_digest IS NULL",
        ),
    ],
)
SENDINGS = Section(
    name="sendings",
    model="AttemptInvitee",
    source="invites_attempt a JOIN invites_attemptinvitee s ON s.attempt_id = a.id",
    day="a.day",
    fields=[*_plain("s.id", "s.attempt_id", "s.invitee_id", "s.person_id"), Moment("s.started_at")],
)
ENTRIES = Section(
    name="entries",
    model="AuditEntry",
    source="invites_auditentry e",
    day="e.day",
    fields=[
        *_plain("e.id", "e.day", "e.content_type_id"),
        Text("e.object_pk"),
        *_plain("e.object_id", "e.action", "e.actor_id"),
        Text("e.actor_email"),
        Text("e.cid"),
        Moment("e.timestamp"),
        Salted(
            salt="e.salt",
            texts=("e.object_repr", "e.changes_text"),
            documents=("e.serialized_data", "e.changes", "e.additional_data"),
            kept="e.digest",
            is_erased="""e.digest IS NOT NULL AND e.object_repr = '' AND e.changes_text = ''
                AND e.serialized_data IS NULL AND e.changes IS NULL AND e.additional_data IS NULL""",
            agrees="e.digest IS NULL",
        ),
    ],
)

SECTIONS: Sequence[Section] = (INVITATIONS, INVITEES, ATTEMPTS, SENDINGS, ENTRIES)
