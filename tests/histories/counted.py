"""What stands beside the attempts of a history: the counts that triggers would have kept, and who came."""

COUNT = """
    INSERT INTO invites_appcount (
        day, app_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt,
        ms_sum, ms_100, ms_250, ms_500, ms_1000, ms_2500, ms_5000, ms_10000, ms_more
    )
    SELECT day, app_id, state, error_code, 0, count(*), sum(people), max(ms),
        (array_agg(id ORDER BY ms DESC, id DESC))[1], sum(ms),
        count(*) FILTER (WHERE ms <= 100),
        count(*) FILTER (WHERE ms > 100 AND ms <= 250),
        count(*) FILTER (WHERE ms > 250 AND ms <= 500),
        count(*) FILTER (WHERE ms > 500 AND ms <= 1000),
        count(*) FILTER (WHERE ms > 1000 AND ms <= 2500),
        count(*) FILTER (WHERE ms > 2500 AND ms <= 5000),
        count(*) FILTER (WHERE ms > 5000 AND ms <= 10000),
        count(*) FILTER (WHERE ms > 10000)
    FROM (SELECT *, coalesce(duration_ms, 0) AS ms FROM invites_attempt WHERE state <> 'started') finished
    GROUP BY day, app_id, state, error_code;
    INSERT INTO invites_conferencecount (
        day, conference_id, state, error_code, shard, attempts, people, slowest_ms, slowest_attempt
    )
    SELECT day, conference_id, state, error_code, 0, count(*), sum(people), max(ms),
        (array_agg(id ORDER BY ms DESC, id DESC))[1]
    FROM (SELECT *, coalesce(duration_ms, 0) AS ms FROM invites_attempt WHERE state <> 'started') finished
    GROUP BY day, conference_id, state, error_code;
    INSERT INTO invites_turnout (conference_id, day, invitations, observed, joined)
    SELECT conference_id, day, count(*), 0, 0 FROM invites_invitation WHERE sent_at IS NOT NULL
    GROUP BY conference_id, day;
"""
# Of the latest conferences, whose members somebody watched: whom they reported, and who of them came.
MEMBERS = """
    INSERT INTO invites_member (
        conference_id, key, union_id, nick, attendance, by_phone, is_host, joined_at, left_at, read_at, changed_at
    )
    SELECT c, 'user:' || value, value, nick, attendance, false, false,
        CASE WHEN attendance IN ('joined', 'left') THEN at + interval '9 s' END,
        CASE WHEN attendance = 'left' THEN at + interval '30 min' END, at + interval '31 min', at + interval '9 s'
    FROM (
        SELECT DISTINCT ON (n.conference_id, p.value) n.conference_id AS c, p.value, p.nick, n.sent_at AS at,
            (ARRAY['left', 'left', 'joined', 'left', 'declined', 'not_known'])[1 + abs(hashint8(i.id) %% 6)]
                AS attendance
        FROM invites_invitee i JOIN invites_invitation n ON n.id = i.invitation_id
            JOIN invites_person p ON p.id = i.person_id
        WHERE i.channel = 'union_id' AND i.state = 'invited' AND n.conference_id > %(after)s
        ORDER BY n.conference_id, p.value, i.id DESC
    ) seen;
    UPDATE invites_invitee i SET member_id = m.id
    FROM invites_invitation n, invites_member m
    WHERE n.id = i.invitation_id AND n.conference_id > %(after)s AND m.conference_id = n.conference_id
        AND i.channel = 'union_id' AND m.key = 'user:' || i.value;
    UPDATE invites_turnout t SET observed = seen.observed, joined = seen.joined
    FROM (
        SELECT a.conference_id, a.day, count(DISTINCT m.id) AS observed,
            count(DISTINCT m.id) FILTER (WHERE m.joined_at IS NOT NULL) AS joined
        FROM invites_invitee i JOIN invites_member m ON m.id = i.member_id
            JOIN invites_attempt a ON a.id = i.last_attempt_id
        GROUP BY a.conference_id, a.day
    ) seen
    WHERE seen.conference_id = t.conference_id AND seen.day = t.day;
"""
ADD_UP = """
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined)
    SELECT day, 0, sum(invitations), sum(observed), sum(joined) FROM invites_turnout GROUP BY day
"""
CONFERENCES_WATCHED = 1000
