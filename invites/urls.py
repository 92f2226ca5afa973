"""The addresses of the domain's pages; one section a noun, one name through view, address and template."""

from django.urls import URLPattern, URLResolver

app_name = "invites"
urlpatterns: list[URLPattern | URLResolver] = []
