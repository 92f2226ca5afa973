"""What the database itself keeps: how many contacts a book and a group have, and the index of the search.

The two kinds of database say it in their own ways, so none of it stands in the models.
"""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

from invites import spelling
from invites.migrations._run_in import RunIn

# A statement may add or remove many thousands at once; PostgreSQL counts them once for each statement.
POSTGRESQL = """
CREATE FUNCTION invites_count_in_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE invites_booksize SET contacts = contacts - gone.n
        FROM (SELECT book_id, count(*) AS n FROM old_rows GROUP BY 1 ORDER BY 1) gone
        WHERE invites_booksize.book_id = gone.book_id;
    ELSE
        INSERT INTO invites_booksize (book_id, contacts)
        SELECT book_id, count(*) FROM new_rows GROUP BY 1 ORDER BY 1
        ON CONFLICT (book_id) DO UPDATE SET contacts = invites_booksize.contacts + excluded.contacts;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION invites_count_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE invites_booksize SET contacts = contacts - gone.n
    FROM (
        SELECT old_rows.book_id, count(*) AS n FROM old_rows JOIN new_rows USING (id)
        WHERE old_rows.book_id <> new_rows.book_id GROUP BY 1 ORDER BY 1
    ) gone
    WHERE invites_booksize.book_id = gone.book_id;
    INSERT INTO invites_booksize (book_id, contacts)
    SELECT new_rows.book_id, count(*) FROM old_rows JOIN new_rows USING (id)
    WHERE old_rows.book_id <> new_rows.book_id GROUP BY 1 ORDER BY 1
    ON CONFLICT (book_id) DO UPDATE SET contacts = invites_booksize.contacts + excluded.contacts;
    RETURN NULL;
END $$;
CREATE FUNCTION invites_count_in_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE invites_groupsize SET contacts = contacts - gone.n
        FROM (SELECT contactgroup_id, count(*) AS n FROM old_rows GROUP BY 1 ORDER BY 1) gone
        WHERE invites_groupsize.group_id = gone.contactgroup_id;
    ELSE
        INSERT INTO invites_groupsize (group_id, contacts)
        SELECT contactgroup_id, count(*) FROM new_rows GROUP BY 1 ORDER BY 1
        ON CONFLICT (group_id) DO UPDATE SET contacts = invites_groupsize.contacts + excluded.contacts;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER invites_contact_added AFTER INSERT ON invites_contact
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION invites_count_in_books();
CREATE TRIGGER invites_contact_removed AFTER DELETE ON invites_contact
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION invites_count_in_books();
CREATE TRIGGER invites_contact_moved AFTER UPDATE ON invites_contact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION invites_count_moved();
CREATE TRIGGER invites_member_added AFTER INSERT ON invites_contactgroup_contacts
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION invites_count_in_groups();
CREATE TRIGGER invites_member_removed AFTER DELETE ON invites_contactgroup_contacts
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION invites_count_in_groups();
CREATE INDEX invites_contact_search ON invites_contact USING gin (search_text gin_trgm_ops);
"""
POSTGRESQL_BACK = """
DROP INDEX invites_contact_search;
DROP TRIGGER invites_member_removed ON invites_contactgroup_contacts;
DROP TRIGGER invites_member_added ON invites_contactgroup_contacts;
DROP TRIGGER invites_contact_moved ON invites_contact;
DROP TRIGGER invites_contact_removed ON invites_contact;
DROP TRIGGER invites_contact_added ON invites_contact;
DROP FUNCTION invites_count_in_groups();
DROP FUNCTION invites_count_moved();
DROP FUNCTION invites_count_in_books();
"""
SQLITE = """
CREATE TRIGGER invites_contact_added AFTER INSERT ON invites_contact BEGIN
    INSERT INTO invites_booksize (book_id, contacts) VALUES (new.book_id, 1)
    ON CONFLICT (book_id) DO UPDATE SET contacts = contacts + 1;
END;
CREATE TRIGGER invites_contact_removed AFTER DELETE ON invites_contact BEGIN
    UPDATE invites_booksize SET contacts = contacts - 1 WHERE book_id = old.book_id;
END;
CREATE TRIGGER invites_contact_moved AFTER UPDATE OF book_id ON invites_contact WHEN old.book_id <> new.book_id BEGIN
    UPDATE invites_booksize SET contacts = contacts - 1 WHERE book_id = old.book_id;
    INSERT INTO invites_booksize (book_id, contacts) VALUES (new.book_id, 1)
    ON CONFLICT (book_id) DO UPDATE SET contacts = contacts + 1;
END;
CREATE TRIGGER invites_member_added AFTER INSERT ON invites_contactgroup_contacts BEGIN
    INSERT INTO invites_groupsize (group_id, contacts) VALUES (new.contactgroup_id, 1)
    ON CONFLICT (group_id) DO UPDATE SET contacts = contacts + 1;
END;
CREATE TRIGGER invites_member_removed AFTER DELETE ON invites_contactgroup_contacts BEGIN
    UPDATE invites_groupsize SET contacts = contacts - 1 WHERE group_id = old.contactgroup_id;
END;
"""
SQLITE_BACK = """
DROP TRIGGER invites_member_removed;
DROP TRIGGER invites_member_added;
DROP TRIGGER invites_contact_moved;
DROP TRIGGER invites_contact_removed;
DROP TRIGGER invites_contact_added;
"""
PIECE = 2000


def spell_and_count(apps, schema_editor):
    """Writes down what the contacts that are there are found by, and how many there are."""
    contacts = apps.get_model("invites", "Contact").objects.order_by("pk")
    last = 0
    while piece := list(contacts.filter(pk__gt=last)[:PIECE]):
        for contact in piece:
            contact.search_text = spelling.search_text(nick=contact.nick, phone_number=contact.phone_number)
        contacts.bulk_update(piece, ["search_text"])
        last = piece[-1].pk
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invites_booksize (book_id, contacts)"
            " SELECT book_id, count(*) FROM invites_contact GROUP BY book_id"
        )
        cursor.execute(
            "INSERT INTO invites_groupsize (group_id, contacts)"
            " SELECT contactgroup_id, count(*) FROM invites_contactgroup_contacts GROUP BY contactgroup_id"
        )


def forget(apps, schema_editor):
    apps.get_model("invites", "BookSize").objects.all().delete()
    apps.get_model("invites", "GroupSize").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("invites", "0003_address_books_for_real_lists")]

    operations = [
        TrigramExtension(),
        migrations.RunPython(spell_and_count, forget),
        RunIn("postgresql", POSTGRESQL, POSTGRESQL_BACK),
        RunIn("sqlite", SQLITE, SQLITE_BACK),
    ]
