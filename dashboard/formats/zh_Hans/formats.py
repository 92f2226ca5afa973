"""Simplified Chinese: thousands are set apart, as 1,234,567. Django leaves a million as one long number."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
