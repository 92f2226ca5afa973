"""How people sign in: django-allauth's flows with our rules, and DingTalk as one of the ways.

Must not decide who gets an account; that is `invites.enrolling`.
"""
