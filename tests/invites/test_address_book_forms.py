"""What people type about books, contacts and groups: cleaned on entry, answered at its field."""

from typing import Any

import pytest
from django.http import QueryDict
from django.utils import translation

from invites.forms.address_book import AddressBookForm
from invites.forms.contact import ContactFilterForm, ContactForm, SelectionForm
from invites.forms.contact_group import ContactGroupForm
from invites.models import AddressBook, App, Contact, ContactGroup, User
from invites.models.app import AppKind
from tests.factories import AddressBookFactory, AppFactory, ContactFactory, ContactGroupFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def book() -> AddressBook:
    return AddressBookFactory()


def contact_form(book: AddressBook, instance: Contact | None = None, **data: str) -> ContactForm:
    return ContactForm({"nick": "Ada"} | data, instance=instance or Contact(book=book), user=book.owner)


def errors(form: Any) -> dict[str, list[str]]:
    return {field: [str(error) for error in form.errors[field]] for field in form.errors}


class TestContactName:
    def test_missing_name_is_asked_for(self, book: AddressBook) -> None:
        assert errors(contact_form(book, nick=" ", union_id="u1")) == {"nick": ["Enter a name."]}

    @pytest.mark.parametrize("nick", ["a\x07b", "two\nlines", "a\u2028b", "a\x00b"])
    def test_control_characters_are_refused(self, book: AddressBook, nick: str) -> None:
        assert set(errors(contact_form(book, nick=nick, union_id="u1"))) == {"nick"}

    def test_name_of_a_hundred_characters_is_the_longest(self, book: AddressBook) -> None:
        assert contact_form(book, nick="字" * 100, union_id="u1").is_valid()
        assert set(errors(contact_form(book, nick="字" * 101, union_id="u1"))) == {"nick"}

    @pytest.mark.parametrize("nick", ["مثال تجريبي", "Demo 小明 🎧", "👩‍👩‍👧", "O'Neil <b>"])
    def test_every_script_and_emoji_is_kept_as_it_is(self, book: AddressBook, nick: str) -> None:
        assert contact_form(book, nick=f" {nick} ", union_id="u1").keep()
        assert Contact.objects.get().nick == nick


class TestContactUnionId:
    def test_blanks_around_it_are_taken_off(self, book: AddressBook) -> None:
        assert contact_form(book, union_id=" u1\t").keep()
        assert Contact.objects.get().union_id == "u1"

    @pytest.mark.parametrize("union_id", ["u 1", "u\u00a01", "u\u30001", "u\u200b1", "u\t1"])
    def test_blanks_inside_are_refused(self, book: AddressBook, union_id: str) -> None:
        assert set(errors(contact_form(book, union_id=union_id))) == {"union_id"}

    def test_unionid_has_at_most_128_characters(self, book: AddressBook) -> None:
        assert contact_form(book, union_id="u" * 128).is_valid()
        assert set(errors(contact_form(book, union_id="u" * 129))) == {"union_id"}

    def test_same_unionid_in_the_book_is_refused_at_its_field(self, book: AddressBook) -> None:
        ContactFactory(book=book, union_id="u1")
        form = contact_form(book, union_id="u1")
        assert errors(form) == {"union_id": ["This book already has somebody with this unionId."]}

    def test_same_unionid_in_another_book_is_fine(self, book: AddressBook) -> None:
        ContactFactory(union_id="u1")
        assert contact_form(book, union_id="u1").is_valid()

    def test_contact_does_not_collide_with_itself(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, union_id="u1")
        assert contact_form(book, instance=contact, nick="Ada Sample", union_id="u1").keep()
        assert Contact.objects.get().nick == "Ada Sample"


class TestContactPhoneNumber:
    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("13800138000", "+8613800138000"),
            (" 138-0013-8000 ", "+8613800138000"),
            ("+86 138 0013 8000", "+8613800138000"),
            ("0086 13800138000", "+8613800138000"),
            ("１３８００１３８０００", "+8613800138000"),
            ("(010) 6552-9988", "+861065529988"),
            ("+44 20 8366 1177", "+442083661177"),
        ],
    )
    def test_any_usual_form_is_stored_as_e164(self, book: AddressBook, typed: str, stored: str) -> None:
        assert contact_form(book, phone_number=typed).keep()
        assert Contact.objects.get().phone_number == stored

    def test_number_is_read_and_shown_in_the_country_of_the_book(self) -> None:
        book = AddressBookFactory(app__default_country="GB", default_country="DE")
        assert contact_form(book, phone_number="030 901820").keep()
        contact = Contact.objects.get()
        assert contact.phone_number == "+4930901820"
        shown = ContactForm(instance=contact, user=book.owner)["phone_number"].value()
        assert shown == "030 901820"

    def test_number_is_read_in_the_country_of_the_books_app(self) -> None:
        book = AddressBookFactory(app__default_country="GB")
        assert contact_form(book, phone_number="020 8366 1177").keep()
        assert Contact.objects.get().phone_number == "+442083661177"

    @pytest.mark.parametrize(
        "typed", ["not a number", "12", "1" * 30, "+999 123456789", "138 0013 8000 ext. 4"]
    )
    def test_what_is_no_number_is_refused_at_its_field(self, book: AddressBook, typed: str) -> None:
        form = contact_form(book, phone_number=typed)
        assert set(errors(form)) == {"phone_number"}
        assert form["phone_number"].value() == typed

    def test_same_number_typed_otherwise_is_refused_at_its_field(self, book: AddressBook) -> None:
        ContactFactory(book=book, union_id="", phone_number="+8613800138000")
        form = contact_form(book, phone_number="138 0013 8000")
        assert errors(form) == {"phone_number": ["This book already has somebody with this phone number."]}

    def test_stored_number_is_shown_nationally_and_survives_saving(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, phone_number="+8613800138000")
        shown = ContactForm(instance=contact, user=contact.book.owner)["phone_number"].value()
        assert shown == "138 0013 8000"
        assert contact_form(book, instance=contact, phone_number=shown).keep()
        assert Contact.objects.get().phone_number == "+8613800138000"

    def test_foreign_number_is_shown_with_its_country_code(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, phone_number="+442083661177")
        assert (
            ContactForm(instance=contact, user=contact.book.owner)["phone_number"].value()
            == "+44 20 8366 1177"
        )


class TestContactIsReachable:
    def test_neither_unionid_nor_number_is_refused(self, book: AddressBook) -> None:
        assert errors(contact_form(book)) == {"union_id": ["Enter a unionId, a phone number, or both."]}

    def test_a_bad_number_alone_is_only_called_a_bad_number(self, book: AddressBook) -> None:
        assert set(errors(contact_form(book, phone_number="12"))) == {"phone_number"}

    def test_contact_cannot_lose_its_last_address(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, union_id="u1")
        assert set(errors(contact_form(book, instance=contact, union_id=""))) == {"union_id"}


class TestDemoPeople:
    @pytest.mark.parametrize(
        ("field", "value"), [("union_id", "sandbox-person-01"), ("phone_number", "+44 20 7946 0033")]
    )
    def test_book_of_a_real_app_refuses_them_at_their_field(
        self, book: AddressBook, field: str, value: str
    ) -> None:
        data = {"nick": "Ada", "union_id": "u1"} | {field: value}
        form = ContactForm(data, instance=Contact(book=book), user=book.owner)
        assert set(errors(form)) == {field}
        assert "exists in the sandbox only" in errors(form)[field][0]

    def test_book_of_the_sandbox_takes_them(self) -> None:
        app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX)
        form = contact_form(
            AddressBookFactory(app=app), union_id="sandbox-person-01", phone_number="010 0000 0001"
        )
        assert form.keep()


class TestSomebodyElseWasFirst:
    def test_same_unionid_saved_between_check_and_write_is_an_error_of_the_form(
        self, book: AddressBook
    ) -> None:
        form = contact_form(book, union_id="u1")
        assert form.is_valid()
        ContactFactory(book=book, union_id="u1", nick="First")
        assert not form.keep()
        assert errors(form) == {"union_id": ["This book already has somebody with this unionId."]}
        assert Contact.objects.get().nick == "First"

    def test_same_group_saved_between_check_and_write_is_an_error_of_the_form(
        self, book: AddressBook
    ) -> None:
        form = ContactGroupForm({"name": "Sales"}, instance=ContactGroup(book=book), user=book.owner)
        assert form.is_valid()
        ContactGroupFactory(book=book, name="sales")
        assert not form.keep()
        assert set(errors(form)) == {"name"}

    @pytest.mark.django_db(transaction=True)
    def test_book_that_vanished_meanwhile_is_an_error_of_the_form(self) -> None:
        book = AddressBookFactory()
        form = contact_form(book, union_id="u1")
        assert form.is_valid()
        AddressBook.objects.filter(pk=book.pk).delete()
        assert not form.keep()
        assert errors(form) == {
            "__all__": ["Somebody else changed this at the same moment. Please try again."]
        }
        assert not Contact.objects.exists()


class TestAddressBookForm:
    def form(self, owner: User, **data: str) -> AddressBookForm:
        apps = App.objects.all()
        data = {"sharing": "private"} | data
        return AddressBookForm(data, instance=AddressBook(owner=owner), user=owner, apps=apps)

    def test_only_usable_app_is_taken_without_asking(self, organizer: User) -> None:
        app = AppFactory()
        form = self.form(organizer, name="Team")
        assert "app" not in form.fields
        assert form.keep()
        assert AddressBook.objects.get().app == app

    def test_choice_of_apps_is_asked_for(self, organizer: User) -> None:
        _first, second = AppFactory.create_batch(2)
        assert set(errors(self.form(organizer, name="Team"))) == {"app"}
        assert self.form(organizer, name="Team", app=str(second.pk)).keep()
        assert AddressBook.objects.get().app == second

    def test_app_cannot_be_changed_later(self, book: AddressBook) -> None:
        other = AppFactory()
        data = {"name": "Renamed", "sharing": "read", "app": str(other.pk)}
        assert AddressBookForm(data, instance=book, user=book.owner).keep()
        book.refresh_from_db()
        assert (book.name, book.sharing) == ("Renamed", "read")
        assert book.app != other

    def test_name_is_unique_for_its_owner_whatever_the_letters(self, organizer: User) -> None:
        book = AddressBookFactory(owner=organizer, name="Team")
        assert errors(self.form(organizer, name="TEAM")) == {
            "name": ["You already have an address book of this name."]
        }
        assert self.form(UserFactory(), name="TEAM").is_valid()
        data = {"name": "team", "sharing": "private"}
        assert AddressBookForm(data, instance=book, user=organizer).is_valid()

    @pytest.mark.parametrize("name", ["", "   ", "a\x07", "n" * 81])
    def test_unusable_names_are_refused(self, organizer: User, name: str) -> None:
        AppFactory()
        assert set(errors(self.form(organizer, name=name))) == {"name"}

    @pytest.mark.parametrize("country", ["XX", "de", "Germany"])
    def test_unknown_country_is_refused(self, organizer: User, country: str) -> None:
        AppFactory()
        assert set(errors(self.form(organizer, name="Team", default_country=country))) == {"default_country"}

    def test_country_of_the_app_holds_unless_another_is_chosen(self, organizer: User) -> None:
        AppFactory(default_country="GB")
        form = self.form(organizer, name="Team")
        assert form.fields["default_country"].choices[0] == (  # type: ignore[attr-defined]
            "",
            "Like the app: United Kingdom (+44)",
        )
        assert form.keep()
        assert AddressBook.objects.get().country == "GB"
        assert self.form(organizer, name="Other", default_country="DE").keep()
        assert AddressBook.objects.get(name="Other").country == "DE"

    @pytest.mark.parametrize(("language", "name"), [("en", "Germany (+49)"), ("zh-hans", "德国 (+49)")])
    def test_countries_are_named_in_the_language_of_the_person(
        self, organizer: User, language: str, name: str
    ) -> None:
        AppFactory()
        with translation.override(language):
            choices = dict(self.form(organizer).fields["default_country"].choices)  # type: ignore[attr-defined]
        assert choices["DE"] == name

    def test_unknown_sharing_is_refused(self, organizer: User) -> None:
        AppFactory()
        assert set(errors(self.form(organizer, name="Team", sharing="world"))) == {"sharing"}


class TestContactGroupForm:
    def test_name_is_unique_in_its_book_whatever_the_letters(self, book: AddressBook) -> None:
        ContactGroupFactory(book=book, name="Sales")
        form = ContactGroupForm({"name": "SALES"}, instance=ContactGroup(book=book), user=book.owner)
        assert errors(form) == {"name": ["This book already has a group of this name."]}
        assert ContactGroupForm(
            {"name": "Sales"}, instance=ContactGroup(book=AddressBookFactory()), user=book.owner
        ).is_valid()

    def test_people_join_when_it_is_saved(self, book: AddressBook) -> None:
        people = ContactFactory.create_batch(2, book=book)
        instance, contacts = ContactGroup(book=book), Contact.objects.of_book(book)
        assert ContactGroupForm(
            {"name": "Sales"}, instance=instance, user=book.owner, contacts=contacts
        ).keep()
        assert set(ContactGroup.objects.get().contacts.all()) == set(people)


class TestContactFilterForm:
    @pytest.mark.parametrize(
        "query", ["q=%00", "group=x", "group=99999999999999999999", "after=x", "after=%00"]
    )
    def test_what_is_unusable_counts_as_absent(self, book: AddressBook, query: str) -> None:
        contact = ContactFactory(book=book)
        form = ContactFilterForm(QueryDict(query), book=book)
        assert list(form.found().after(form.cursor)) == [contact]

    def test_group_of_another_book_counts_as_absent(self, book: AddressBook) -> None:
        form = ContactFilterForm(QueryDict(f"group={ContactGroupFactory().pk}"), book=book)
        assert form.group_chosen is None

    def test_query_goes_into_an_address_encoded(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        form = ContactFilterForm(QueryDict(f"q=a%26b&group={group.pk}&after=1-x&junk=1"), book=book)
        assert form.query() == f"?q=a%26b&group={group.pk}"
        assert ContactFilterForm(QueryDict(""), book=book).query() == ""


class TestSelectionForm:
    def test_people_of_other_books_and_nonsense_are_passed_over(self, book: AddressBook) -> None:
        mine, other = ContactFactory(book=book), ContactFactory()
        data = QueryDict(mutable=True)
        data.setlist("contact", [str(mine.pk), str(other.pk), "x", "²", "9" * 30, ""])
        assert list(SelectionForm(data, book=book).contacts()) == [mine]
