"""The HTTP API: a request of a program in, a verb called, JSON out. Its views are as thin as those of pages.

Nothing here decides who may see or do what, or what makes a contact or an invitation usable: `invites.permissions`,
forms and verbs do, as for pages. `invites.api.site` puts the addresses together.
"""
