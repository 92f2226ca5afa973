"""Inviting people into DingTalk video conferences: what is stored, what can be done, and the pages for it."""
