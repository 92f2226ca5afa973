"""The Django project: settings, addresses, the home page and what all pages share."""
