"""What the database itself keeps of the history: that nothing of it is changed, and its counts.

The two kinds of database say it in their own ways, so none of it stands in the models. On SQLite a later migration that
alters a field of one of these tables makes the table anew, without its triggers: it must make them again.
"""

import django.db.models.deletion
from django.db import migrations, models

from invites.migrations._run_in import RunIn

# Nothing that is on record may be changed or deleted, whoever asks. Two things let the database do it all the same, and
# both have to be on record first: retention (`SealedDay.removed_at`) and erasure (`Erasure`).
KEEP_ON_POSTGRESQL = """
CREATE FUNCTION invites_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The history is kept as it is: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_day_is_removed(which date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM invites_sealedday WHERE day = which AND removed_at IS NOT NULL)
$$;
CREATE FUNCTION invites_keep_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased invites_attempt := NEW;
BEGIN
    erased.texts_digest := OLD.texts_digest;
    erased.error_message := OLD.error_message;
    erased.response_excerpt := OLD.response_excerpt;
    erased.salt := OLD.salt;
    IF erased IS NOT DISTINCT FROM OLD AND OLD.texts_digest IS NULL AND NEW.texts_digest IS NOT NULL
        AND NEW.error_message = '' AND NEW.response_excerpt = '' AND NEW.salt = ''
        AND EXISTS (
            SELECT 1 FROM invites_attemptinvitee s JOIN invites_erasure e ON e.person_id = s.person_id
            WHERE s.attempt_id = OLD.id
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: attempt % is finished', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_keep_invitee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.invitation_id, OLD.position, OLD.channel, OLD.person_id, OLD.overridden_by_id, OLD.overridden_reason, OLD.nick_filled_in, OLD.times_added)
        IS NOT DISTINCT FROM (NEW.invitation_id, NEW.position, NEW.channel, NEW.person_id, NEW.overridden_by_id, NEW.overridden_reason, NEW.nick_filled_in, NEW.times_added)
        AND NEW.nick = '—' AND NEW.value = '+erased-' || OLD.id
        AND EXISTS (SELECT 1 FROM invites_erasure WHERE person_id = OLD.person_id)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: invitee % was sent', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_keep_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    spelled invites_person := NEW;
BEGIN
    spelled.search_text := OLD.search_text;
    IF spelled IS NOT DISTINCT FROM OLD OR (
        NEW.id = OLD.id AND NEW.channel = OLD.channel AND OLD.digest IS NULL AND NEW.digest IS NOT NULL
        AND EXISTS (SELECT 1 FROM invites_erasure WHERE person_id = OLD.id)
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: person % was called', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_keep_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased invites_auditentry := NEW;
BEGIN
    erased.object_repr := OLD.object_repr;
    erased.serialized_data := OLD.serialized_data;
    erased.changes := OLD.changes;
    erased.changes_text := OLD.changes_text;
    erased.additional_data := OLD.additional_data;
    erased.salt := OLD.salt;
    erased.digest := OLD.digest;
    IF erased IS NOT DISTINCT FROM OLD AND OLD.digest IS NULL AND NEW.digest IS NOT NULL
        AND NEW.object_repr = '' AND NEW.serialized_data IS NULL AND NEW.changes IS NULL
        AND NEW.changes_text = '' AND NEW.additional_data IS NULL AND NEW.salt = ''
        AND EXISTS (SELECT 1 FROM invites_erasure)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: entry % is on record', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_keep_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.day, OLD.sealed_at, OLD.key_id, OLD.digest) IS NOT DISTINCT FROM
        (NEW.day, NEW.sealed_at, NEW.key_id, NEW.digest)
        AND OLD.removed_at IS NULL AND NEW.removed_at IS NOT NULL
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: % is sealed', OLD.day
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION invites_keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    goes boolean := false;
BEGIN
    IF TG_TABLE_NAME = 'invites_attemptinvitee' THEN
        SELECT invites_day_is_removed(day) INTO goes FROM invites_attempt WHERE id = OLD.attempt_id;
    ELSIF TG_TABLE_NAME = 'invites_invitee' THEN
        SELECT invites_day_is_removed(day) INTO goes FROM invites_invitation WHERE id = OLD.invitation_id;
    ELSIF TG_TABLE_NAME = 'invites_person' THEN
        goes := NOT EXISTS (SELECT 1 FROM invites_invitee WHERE person_id = OLD.id)
            AND NOT EXISTS (SELECT 1 FROM invites_attemptinvitee WHERE person_id = OLD.id);
    ELSE
        goes := invites_day_is_removed(OLD.day);
    END IF;
    IF goes THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The history is kept as it is: DELETE of % % refused', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invites_keep_attempt_finished BEFORE UPDATE ON invites_attempt FOR EACH ROW
    WHEN (OLD.state <> 'started') EXECUTE FUNCTION invites_keep_attempt();
CREATE TRIGGER invites_keep_attempt_started BEFORE UPDATE ON invites_attempt FOR EACH ROW
    WHEN (OLD.state = 'started' AND (OLD.invitation_id, OLD.batch_id, OLD.number, OLD.people, OLD.started_at, OLD.conference_id, OLD.app_id, OLD.organizer_id, OLD.channels, OLD.day, OLD.trace_id, OLD.salt)
        IS DISTINCT FROM (NEW.invitation_id, NEW.batch_id, NEW.number, NEW.people, NEW.started_at, NEW.conference_id, NEW.app_id, NEW.organizer_id, NEW.channels, NEW.day, NEW.trace_id, NEW.salt))
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_attempt BEFORE DELETE ON invites_attempt FOR EACH ROW
    EXECUTE FUNCTION invites_keep_row();
CREATE TRIGGER invites_keep_sending_changed BEFORE UPDATE ON invites_attemptinvitee FOR EACH ROW
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_sending BEFORE DELETE ON invites_attemptinvitee FOR EACH ROW
    EXECUTE FUNCTION invites_keep_row();
CREATE TRIGGER invites_keep_invitee_changed
    BEFORE UPDATE OF invitation_id, position, channel, person_id, overridden_by_id, overridden_reason, nick_filled_in, times_added, value, nick
    ON invites_invitee FOR EACH ROW
    WHEN (OLD.person_id IS NOT NULL AND (OLD.invitation_id, OLD.position, OLD.channel, OLD.person_id, OLD.overridden_by_id, OLD.overridden_reason, OLD.nick_filled_in, OLD.times_added, OLD.value, OLD.nick)
        IS DISTINCT FROM (NEW.invitation_id, NEW.position, NEW.channel, NEW.person_id, NEW.overridden_by_id, NEW.overridden_reason, NEW.nick_filled_in, NEW.times_added, NEW.value, NEW.nick))
    EXECUTE FUNCTION invites_keep_invitee();
CREATE TRIGGER invites_keep_invitee BEFORE DELETE ON invites_invitee FOR EACH ROW
    WHEN (OLD.person_id IS NOT NULL) EXECUTE FUNCTION invites_keep_row();
CREATE TRIGGER invites_keep_invitation_changed
    BEFORE UPDATE OF conference_id, source, operator_union_id, repeats_id, created_at, sent_by_id, sent_at, day, trace_id, is_automatic
    ON invites_invitation FOR EACH ROW
    WHEN (OLD.sent_at IS NOT NULL AND (OLD.conference_id, OLD.source, OLD.operator_union_id, OLD.repeats_id, OLD.created_at, OLD.sent_by_id, OLD.sent_at, OLD.day, OLD.trace_id, OLD.is_automatic)
        IS DISTINCT FROM (NEW.conference_id, NEW.source, NEW.operator_union_id, NEW.repeats_id, NEW.created_at, NEW.sent_by_id, NEW.sent_at, NEW.day, NEW.trace_id, NEW.is_automatic))
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_invitation BEFORE DELETE ON invites_invitation FOR EACH ROW
    WHEN (OLD.sent_at IS NOT NULL) EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_person_changed BEFORE UPDATE ON invites_person FOR EACH ROW
    EXECUTE FUNCTION invites_keep_person();
CREATE TRIGGER invites_keep_person BEFORE DELETE ON invites_person FOR EACH ROW
    EXECUTE FUNCTION invites_keep_row();
CREATE TRIGGER invites_keep_entry_changed BEFORE UPDATE ON invites_auditentry FOR EACH ROW
    EXECUTE FUNCTION invites_keep_entry();
CREATE TRIGGER invites_keep_entry BEFORE DELETE ON invites_auditentry FOR EACH ROW
    EXECUTE FUNCTION invites_keep_row();
CREATE TRIGGER invites_keep_day_changed BEFORE UPDATE ON invites_sealedday FOR EACH ROW
    EXECUTE FUNCTION invites_keep_day();
CREATE TRIGGER invites_keep_day BEFORE DELETE ON invites_sealedday FOR EACH ROW
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_section BEFORE UPDATE OR DELETE ON invites_sealedsection FOR EACH ROW
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_erasure BEFORE UPDATE OR DELETE ON invites_erasure FOR EACH ROW
    EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_attempt EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_attemptinvitee EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_invitee EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_invitation EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_person EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_auditentry EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_sealedday EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_sealedsection EXECUTE FUNCTION invites_refuse();
CREATE TRIGGER invites_keep_all BEFORE TRUNCATE ON invites_erasure EXECUTE FUNCTION invites_refuse();
"""
KEEP_ON_POSTGRESQL_BACK = """
DROP TRIGGER invites_keep_attempt_finished ON invites_attempt;
DROP TRIGGER invites_keep_attempt_started ON invites_attempt;
DROP TRIGGER invites_keep_attempt ON invites_attempt;
DROP TRIGGER invites_keep_sending_changed ON invites_attemptinvitee;
DROP TRIGGER invites_keep_sending ON invites_attemptinvitee;
DROP TRIGGER invites_keep_invitee_changed ON invites_invitee;
DROP TRIGGER invites_keep_invitee ON invites_invitee;
DROP TRIGGER invites_keep_invitation_changed ON invites_invitation;
DROP TRIGGER invites_keep_invitation ON invites_invitation;
DROP TRIGGER invites_keep_person_changed ON invites_person;
DROP TRIGGER invites_keep_person ON invites_person;
DROP TRIGGER invites_keep_entry_changed ON invites_auditentry;
DROP TRIGGER invites_keep_entry ON invites_auditentry;
DROP TRIGGER invites_keep_day_changed ON invites_sealedday;
DROP TRIGGER invites_keep_day ON invites_sealedday;
DROP TRIGGER invites_keep_section ON invites_sealedsection;
DROP TRIGGER invites_keep_erasure ON invites_erasure;
DROP TRIGGER invites_keep_all ON invites_attempt;
DROP TRIGGER invites_keep_all ON invites_attemptinvitee;
DROP TRIGGER invites_keep_all ON invites_invitee;
DROP TRIGGER invites_keep_all ON invites_invitation;
DROP TRIGGER invites_keep_all ON invites_person;
DROP TRIGGER invites_keep_all ON invites_auditentry;
DROP TRIGGER invites_keep_all ON invites_sealedday;
DROP TRIGGER invites_keep_all ON invites_sealedsection;
DROP TRIGGER invites_keep_all ON invites_erasure;
DROP FUNCTION invites_refuse();
DROP FUNCTION invites_day_is_removed(which date);
DROP FUNCTION invites_keep_attempt();
DROP FUNCTION invites_keep_invitee();
DROP FUNCTION invites_keep_person();
DROP FUNCTION invites_keep_entry();
DROP FUNCTION invites_keep_day();
DROP FUNCTION invites_keep_row();
"""
KEEP_ON_SQLITE = """
CREATE TRIGGER invites_keep_attempt_finished BEFORE UPDATE ON invites_attempt
WHEN old.state <> 'started' AND NOT (
        (old.id, old.invitation_id, old.batch_id, old.number, old.state, old.people, old.people_state, old.started_at, old.finished_at, old.duration_ms, old.http_status, old.error_code, old.request_id, old.conference_id, old.app_id, old.organizer_id, old.channels, old.day, old.trace_id)
        IS (new.id, new.invitation_id, new.batch_id, new.number, new.state, new.people, new.people_state, new.started_at, new.finished_at, new.duration_ms, new.http_status, new.error_code, new.request_id, new.conference_id, new.app_id, new.organizer_id, new.channels, new.day, new.trace_id)
        AND old.texts_digest IS NULL AND new.texts_digest IS NOT NULL
        AND new.error_message = '' AND new.response_excerpt = '' AND length(new.salt) = 0
        AND EXISTS (
            SELECT 1 FROM invites_attemptinvitee s JOIN invites_erasure e ON e.person_id = s.person_id
            WHERE s.attempt_id = old.id
        )
    )
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_attempt_started BEFORE UPDATE ON invites_attempt
WHEN old.state = 'started' AND (old.invitation_id, old.batch_id, old.number, old.people, old.started_at, old.conference_id, old.app_id, old.organizer_id, old.channels, old.day, old.trace_id, old.salt)
        IS NOT (new.invitation_id, new.batch_id, new.number, new.people, new.started_at, new.conference_id, new.app_id, new.organizer_id, new.channels, new.day, new.trace_id, new.salt)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_attempt BEFORE DELETE ON invites_attempt
WHEN NOT EXISTS (SELECT 1 FROM invites_sealedday WHERE day = old.day AND removed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_sending_changed BEFORE UPDATE ON invites_attemptinvitee
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_sending BEFORE DELETE ON invites_attemptinvitee
WHEN NOT EXISTS (SELECT 1 FROM invites_sealedday WHERE day = (SELECT day FROM invites_attempt WHERE id = old.attempt_id) AND removed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_invitee_changed BEFORE UPDATE OF invitation_id, position, channel, person_id, overridden_by_id, overridden_reason, nick_filled_in, times_added, value, nick ON invites_invitee
WHEN old.person_id IS NOT NULL
    AND (old.invitation_id, old.position, old.channel, old.person_id, old.overridden_by_id, old.overridden_reason, old.nick_filled_in, old.times_added, old.value, old.nick)
        IS NOT (new.invitation_id, new.position, new.channel, new.person_id, new.overridden_by_id, new.overridden_reason, new.nick_filled_in, new.times_added, new.value, new.nick)
    AND NOT (
        (old.invitation_id, old.position, old.channel, old.person_id, old.overridden_by_id, old.overridden_reason, old.nick_filled_in, old.times_added)
        IS (new.invitation_id, new.position, new.channel, new.person_id, new.overridden_by_id, new.overridden_reason, new.nick_filled_in, new.times_added)
        AND new.nick = '—' AND new.value = '+erased-' || old.id
        AND EXISTS (SELECT 1 FROM invites_erasure WHERE person_id = old.person_id)
    )
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_invitee BEFORE DELETE ON invites_invitee
WHEN old.person_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM invites_sealedday WHERE day = (SELECT day FROM invites_invitation WHERE id = old.invitation_id) AND removed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_invitation_changed BEFORE UPDATE OF conference_id, source, operator_union_id, repeats_id, created_at, sent_by_id, sent_at, day, trace_id, is_automatic ON invites_invitation
WHEN old.sent_at IS NOT NULL
    AND (old.conference_id, old.source, old.operator_union_id, old.repeats_id, old.created_at, old.sent_by_id, old.sent_at, old.day, old.trace_id, old.is_automatic)
        IS NOT (new.conference_id, new.source, new.operator_union_id, new.repeats_id, new.created_at, new.sent_by_id, new.sent_at, new.day, new.trace_id, new.is_automatic)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_invitation BEFORE DELETE ON invites_invitation
WHEN old.sent_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_person_changed BEFORE UPDATE ON invites_person
WHEN NOT (
        (old.id, old.channel, old.value, old.nick, old.salt, old.digest)
        IS (new.id, new.channel, new.value, new.nick, new.salt, new.digest)
        OR (
            new.id = old.id AND new.channel = old.channel AND old.digest IS NULL AND new.digest IS NOT NULL
            AND EXISTS (SELECT 1 FROM invites_erasure WHERE person_id = old.id)
        )
    )
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_person BEFORE DELETE ON invites_person
WHEN EXISTS (SELECT 1 FROM invites_invitee WHERE person_id = old.id)
    OR EXISTS (SELECT 1 FROM invites_attemptinvitee WHERE person_id = old.id)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_entry_changed BEFORE UPDATE ON invites_auditentry
WHEN NOT (
        (old.id, old.content_type_id, old.object_pk, old.object_id, old.action, old.actor_id, old.cid, old.remote_addr, old.remote_port, old.timestamp, old.actor_email, old.day)
        IS (new.id, new.content_type_id, new.object_pk, new.object_id, new.action, new.actor_id, new.cid, new.remote_addr, new.remote_port, new.timestamp, new.actor_email, new.day)
        AND old.digest IS NULL AND new.digest IS NOT NULL AND new.object_repr = ''
        AND new.serialized_data IS NULL AND new.changes IS NULL AND new.changes_text = ''
        AND new.additional_data IS NULL AND length(new.salt) = 0 AND EXISTS (SELECT 1 FROM invites_erasure)
    )
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_entry BEFORE DELETE ON invites_auditentry
WHEN NOT EXISTS (SELECT 1 FROM invites_sealedday WHERE day = old.day AND removed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_day_changed BEFORE UPDATE ON invites_sealedday
WHEN NOT (
        (old.day, old.sealed_at, old.key_id, old.digest) IS (new.day, new.sealed_at, new.key_id, new.digest)
        AND old.removed_at IS NULL AND new.removed_at IS NOT NULL
    )
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_day BEFORE DELETE ON invites_sealedday
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_section_changed BEFORE UPDATE ON invites_sealedsection
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_section BEFORE DELETE ON invites_sealedsection
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_erasure_changed BEFORE UPDATE ON invites_erasure
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
CREATE TRIGGER invites_keep_erasure BEFORE DELETE ON invites_erasure
BEGIN SELECT RAISE(ABORT, 'The history is kept as it is'); END;
"""
KEEP_ON_SQLITE_BACK = """
DROP TRIGGER invites_keep_attempt_finished;
DROP TRIGGER invites_keep_attempt_started;
DROP TRIGGER invites_keep_attempt;
DROP TRIGGER invites_keep_sending_changed;
DROP TRIGGER invites_keep_sending;
DROP TRIGGER invites_keep_invitee_changed;
DROP TRIGGER invites_keep_invitee;
DROP TRIGGER invites_keep_invitation_changed;
DROP TRIGGER invites_keep_invitation;
DROP TRIGGER invites_keep_person_changed;
DROP TRIGGER invites_keep_person;
DROP TRIGGER invites_keep_entry_changed;
DROP TRIGGER invites_keep_entry;
DROP TRIGGER invites_keep_day_changed;
DROP TRIGGER invites_keep_day;
DROP TRIGGER invites_keep_section_changed;
DROP TRIGGER invites_keep_section;
DROP TRIGGER invites_keep_erasure_changed;
DROP TRIGGER invites_keep_erasure;
"""

# Kept in the transaction that finishes an attempt. Each connection of PostgreSQL counts in rows of its own, so that no
# sender waits for another's commit.
COUNT_ON_POSTGRESQL = """
CREATE FUNCTION invites_count_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ms bigint := coalesce(NEW.duration_ms, 0);
    own int := pg_backend_pid() % 16;
BEGIN
    INSERT INTO invites_appcount (
        day, app_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt,
        ms_sum, ms_100, ms_250, ms_500, ms_1000, ms_2500, ms_5000, ms_10000, ms_more
    ) VALUES (
        NEW.day, NEW.app_id, NEW.state, NEW.error_code, own, 1, NEW.people, ms, NEW.id, ms,
        (ms <= 100)::int,
        (ms > 100 AND ms <= 250)::int,
        (ms > 250 AND ms <= 500)::int,
        (ms > 500 AND ms <= 1000)::int,
        (ms > 1000 AND ms <= 2500)::int,
        (ms > 2500 AND ms <= 5000)::int,
        (ms > 5000 AND ms <= 10000)::int,
        (ms > 10000)::int
    ) ON CONFLICT (day, app_id, state, error_code, shard) DO UPDATE SET
        attempts = invites_appcount.attempts + 1,
        people = invites_appcount.people + excluded.people,
        slowest_attempt = CASE WHEN excluded.slowest_ms >= invites_appcount.slowest_ms
            THEN excluded.slowest_attempt ELSE invites_appcount.slowest_attempt END,
        slowest_ms = greatest(invites_appcount.slowest_ms, excluded.slowest_ms),
        ms_sum = invites_appcount.ms_sum + excluded.ms_sum,
        ms_100 = invites_appcount.ms_100 + excluded.ms_100,
        ms_250 = invites_appcount.ms_250 + excluded.ms_250,
        ms_500 = invites_appcount.ms_500 + excluded.ms_500,
        ms_1000 = invites_appcount.ms_1000 + excluded.ms_1000,
        ms_2500 = invites_appcount.ms_2500 + excluded.ms_2500,
        ms_5000 = invites_appcount.ms_5000 + excluded.ms_5000,
        ms_10000 = invites_appcount.ms_10000 + excluded.ms_10000,
        ms_more = invites_appcount.ms_more + excluded.ms_more;
    INSERT INTO invites_conferencecount (
        day, conference_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt
    ) VALUES (NEW.day, NEW.conference_id, NEW.state, NEW.error_code, own, 1, NEW.people, ms, NEW.id)
    ON CONFLICT (conference_id, day, state, error_code, shard) DO UPDATE SET
        attempts = invites_conferencecount.attempts + 1,
        people = invites_conferencecount.people + excluded.people,
        slowest_attempt = CASE WHEN excluded.slowest_ms >= invites_conferencecount.slowest_ms
            THEN excluded.slowest_attempt ELSE invites_conferencecount.slowest_attempt END,
        slowest_ms = greatest(invites_conferencecount.slowest_ms, excluded.slowest_ms);
    RETURN NULL;
END $$;
CREATE FUNCTION invites_count_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO invites_turnout (conference_id, day, invitations, observed, joined)
    VALUES (NEW.conference_id, NEW.day, 1, 0, 0)
    ON CONFLICT (conference_id, day) DO UPDATE SET invitations = invites_turnout.invitations + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER invites_count_attempt_finished AFTER UPDATE OF state ON invites_attempt FOR EACH ROW
    WHEN (OLD.state = 'started' AND NEW.state <> 'started') EXECUTE FUNCTION invites_count_attempt();
CREATE TRIGGER invites_count_attempt_added AFTER INSERT ON invites_attempt FOR EACH ROW
    WHEN (NEW.state <> 'started') EXECUTE FUNCTION invites_count_attempt();
CREATE TRIGGER invites_count_invitation_sent AFTER UPDATE OF sent_at ON invites_invitation FOR EACH ROW
    WHEN (OLD.sent_at IS NULL AND NEW.sent_at IS NOT NULL) EXECUTE FUNCTION invites_count_invitation();
CREATE TRIGGER invites_count_invitation_added AFTER INSERT ON invites_invitation FOR EACH ROW
    WHEN (NEW.sent_at IS NOT NULL) EXECUTE FUNCTION invites_count_invitation();
CREATE INDEX invites_person_search ON invites_person USING gin (search_text gin_trgm_ops);
CREATE INDEX invites_attempt_message ON invites_attempt USING gin (upper(error_message) gin_trgm_ops)
    WHERE error_message <> '';
CREATE INDEX invites_auditentry_object ON invites_auditentry USING gin (upper(object_repr) gin_trgm_ops);
"""
COUNT_ON_POSTGRESQL_BACK = """
DROP TRIGGER invites_count_attempt_finished ON invites_attempt;
DROP TRIGGER invites_count_attempt_added ON invites_attempt;
DROP TRIGGER invites_count_invitation_sent ON invites_invitation;
DROP TRIGGER invites_count_invitation_added ON invites_invitation;
DROP INDEX invites_person_search;
DROP INDEX invites_attempt_message;
DROP INDEX invites_auditentry_object;
DROP FUNCTION invites_count_attempt();
DROP FUNCTION invites_count_invitation();
"""
_COUNT_ATTEMPT_ON_SQLITE = """BEGIN
    INSERT INTO invites_appcount (
        day, app_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt,
        ms_sum, ms_100, ms_250, ms_500, ms_1000, ms_2500, ms_5000, ms_10000, ms_more
    ) VALUES (
        new.day, new.app_id, new.state, new.error_code, 0, 1, new.people,
        coalesce(new.duration_ms, 0), new.id, coalesce(new.duration_ms, 0),
        coalesce(new.duration_ms, 0) <= 100,
        coalesce(new.duration_ms, 0) > 100 AND coalesce(new.duration_ms, 0) <= 250,
        coalesce(new.duration_ms, 0) > 250 AND coalesce(new.duration_ms, 0) <= 500,
        coalesce(new.duration_ms, 0) > 500 AND coalesce(new.duration_ms, 0) <= 1000,
        coalesce(new.duration_ms, 0) > 1000 AND coalesce(new.duration_ms, 0) <= 2500,
        coalesce(new.duration_ms, 0) > 2500 AND coalesce(new.duration_ms, 0) <= 5000,
        coalesce(new.duration_ms, 0) > 5000 AND coalesce(new.duration_ms, 0) <= 10000,
        coalesce(new.duration_ms, 0) > 10000
    ) ON CONFLICT (day, app_id, state, error_code, shard) DO UPDATE SET
        attempts = invites_appcount.attempts + 1,
        people = invites_appcount.people + excluded.people,
        slowest_attempt = CASE WHEN excluded.slowest_ms >= invites_appcount.slowest_ms
            THEN excluded.slowest_attempt ELSE invites_appcount.slowest_attempt END,
        slowest_ms = max(invites_appcount.slowest_ms, excluded.slowest_ms),
        ms_sum = invites_appcount.ms_sum + excluded.ms_sum,
        ms_100 = invites_appcount.ms_100 + excluded.ms_100,
        ms_250 = invites_appcount.ms_250 + excluded.ms_250,
        ms_500 = invites_appcount.ms_500 + excluded.ms_500,
        ms_1000 = invites_appcount.ms_1000 + excluded.ms_1000,
        ms_2500 = invites_appcount.ms_2500 + excluded.ms_2500,
        ms_5000 = invites_appcount.ms_5000 + excluded.ms_5000,
        ms_10000 = invites_appcount.ms_10000 + excluded.ms_10000,
        ms_more = invites_appcount.ms_more + excluded.ms_more;
    INSERT INTO invites_conferencecount (
        day, conference_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt
    ) VALUES (
        new.day, new.conference_id, new.state, new.error_code, 0, 1, new.people,
        coalesce(new.duration_ms, 0), new.id
    ) ON CONFLICT (conference_id, day, state, error_code, shard) DO UPDATE SET
        attempts = invites_conferencecount.attempts + 1,
        people = invites_conferencecount.people + excluded.people,
        slowest_attempt = CASE WHEN excluded.slowest_ms >= invites_conferencecount.slowest_ms
            THEN excluded.slowest_attempt ELSE invites_conferencecount.slowest_attempt END,
        slowest_ms = max(invites_conferencecount.slowest_ms, excluded.slowest_ms);
END;"""
_COUNT_INVITATION_ON_SQLITE = """BEGIN
    INSERT INTO invites_turnout (conference_id, day, invitations, observed, joined)
    VALUES (new.conference_id, new.day, 1, 0, 0)
    ON CONFLICT (conference_id, day) DO UPDATE SET invitations = invites_turnout.invitations + 1;
END;"""
COUNT_ON_SQLITE = f"""
CREATE TRIGGER invites_count_attempt_finished AFTER UPDATE OF state ON invites_attempt
WHEN old.state = 'started' AND new.state <> 'started' {_COUNT_ATTEMPT_ON_SQLITE}
CREATE TRIGGER invites_count_attempt_added AFTER INSERT ON invites_attempt
WHEN new.state <> 'started' {_COUNT_ATTEMPT_ON_SQLITE}
CREATE TRIGGER invites_count_invitation_sent AFTER UPDATE OF sent_at ON invites_invitation
WHEN old.sent_at IS NULL AND new.sent_at IS NOT NULL {_COUNT_INVITATION_ON_SQLITE}
CREATE TRIGGER invites_count_invitation_added AFTER INSERT ON invites_invitation
WHEN new.sent_at IS NOT NULL {_COUNT_INVITATION_ON_SQLITE}
"""
COUNT_ON_SQLITE_BACK = """
DROP TRIGGER invites_count_attempt_finished;
DROP TRIGGER invites_count_attempt_added;
DROP TRIGGER invites_count_invitation_sent;
DROP TRIGGER invites_count_invitation_added;
"""

# Whoever sends holds the row until their commit: more of them than of attempts, whose transactions are short.
ADD_UP_ON_POSTGRESQL = """
CREATE FUNCTION invites_add_up_turnout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined) VALUES (
        NEW.day,
        pg_backend_pid() % 64,
        NEW.invitations - coalesce(OLD.invitations, 0),
        NEW.observed - coalesce(OLD.observed, 0),
        NEW.joined - coalesce(OLD.joined, 0)
    ) ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
    RETURN NULL;
END $$;
CREATE TRIGGER invites_add_up_turnout AFTER INSERT OR UPDATE OF invitations, observed, joined ON invites_turnout
    FOR EACH ROW EXECUTE FUNCTION invites_add_up_turnout();
"""
ADD_UP_ON_POSTGRESQL_BACK = """
DROP TRIGGER invites_add_up_turnout ON invites_turnout;
DROP FUNCTION invites_add_up_turnout();
"""
ADD_UP_ON_SQLITE = """
CREATE TRIGGER invites_add_up_turnout_added AFTER INSERT ON invites_turnout BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined)
    VALUES (new.day, 0, new.invitations, new.observed, new.joined)
    ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
END;
CREATE TRIGGER invites_add_up_turnout AFTER UPDATE OF invitations, observed, joined ON invites_turnout BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined) VALUES (
        new.day, 0, new.invitations - old.invitations, new.observed - old.observed, new.joined - old.joined
    ) ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
END;
"""
ADD_UP_ON_SQLITE_BACK = """
DROP TRIGGER invites_add_up_turnout_added;
DROP TRIGGER invites_add_up_turnout;
"""

# What people write of a conference, or of a unionId, is found by indexes over three characters each.
FOUND = """
CREATE INDEX invites_conference_search ON invites_conference USING gin (
    upper(title) gin_trgm_ops, upper(room_code) gin_trgm_ops, upper(conference_id) gin_trgm_ops
);
CREATE INDEX invites_person_value ON invites_person USING gin (value gin_trgm_ops);
"""
FOUND_BACK = """
DROP INDEX invites_conference_search;
DROP INDEX invites_person_value;
"""


class Migration(migrations.Migration):
    dependencies = (("invites", "0006_history_that_is_there"),)

    operations = (
        migrations.AlterField(
            model_name="attempt",
            name="conference",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="invites.conference",
                verbose_name="conference",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="app",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="invites.app",
                verbose_name="DingTalk app",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="channels",
            field=models.CharField(
                choices=[("union_id", "DingTalk"), ("phone", "Phone"), ("both", "DingTalk and phone")],
                max_length=16,
                verbose_name="channels",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="day",
            field=models.DateField(verbose_name="day"),
        ),
        migrations.AlterField(
            model_name="attemptinvitee",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sendings",
                to="invites.person",
            ),
        ),
        migrations.AlterField(
            model_name="attemptinvitee",
            name="started_at",
            field=models.DateTimeField(),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("day__isnull", True), ("sent_at__isnull", True))
                | models.Q(("day__isnull", False), ("sent_at__isnull", False)),
                name="invitation_sent_has_day",
            ),
        ),
        RunIn("postgresql", COUNT_ON_POSTGRESQL, COUNT_ON_POSTGRESQL_BACK),
        RunIn("sqlite", COUNT_ON_SQLITE, COUNT_ON_SQLITE_BACK),
        RunIn("postgresql", ADD_UP_ON_POSTGRESQL, ADD_UP_ON_POSTGRESQL_BACK),
        RunIn("sqlite", ADD_UP_ON_SQLITE, ADD_UP_ON_SQLITE_BACK),
        RunIn("postgresql", FOUND, FOUND_BACK),
        RunIn("postgresql", KEEP_ON_POSTGRESQL, KEEP_ON_POSTGRESQL_BACK),
        RunIn("sqlite", KEEP_ON_SQLITE, KEEP_ON_SQLITE_BACK),
    )
