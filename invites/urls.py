"""The addresses of the domain's pages; one section a noun, one name through view, address and template."""

from django.urls import path

from invites.views import invitation

app_name = "invites"
urlpatterns = [
    # invitations
    path("invitations/<int:pk>/", invitation.invitation_detail, name="invitation_detail"),
    path("invitations/<int:pk>/again/", invitation.invitation_again, name="invitation_again"),
]
