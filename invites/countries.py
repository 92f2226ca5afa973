"""Names the countries and regions that have phone numbers, in the language of whoever looks. Knows no database."""

from functools import lru_cache

import phonenumbers
from babel import Locale
from django.utils.translation import get_language, to_locale

from invites import spelling

FALLBACK = "en"


def choices() -> list[tuple[str, str]]:
    """Each country as (two capital letters, its name with the code that is dialled), in the order of its names."""
    return list(_choices(get_language() or FALLBACK))


def label(country: str) -> str:
    """One country with the code that is dialled: ``China (+86)``; what is no country as it is."""
    return dict(_choices(get_language() or FALLBACK)).get(country, country)


@lru_cache(maxsize=8)
def _choices(language: str) -> tuple[tuple[str, str], ...]:
    names = Locale.parse(to_locale(language)).territories
    countries = [
        (code, f"{names[code]} (+{phonenumbers.country_code_for_region(code)})")
        for code in phonenumbers.SUPPORTED_REGIONS
    ]
    return tuple(sorted(countries, key=lambda country: spelling.read_aloud(country[1])))
