"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from dashboard import home, views

urlpatterns = [
    path("", home.home, name="home"),
    path("live/", home.home_live, name="home_live"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("sign-in/", views.SignInView.as_view(), name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordView.as_view(), name="password_change"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("theme/", views.set_theme, name="set_theme"),
    path("admin/", admin.site.urls),
    path("", include("invites.urls")),
]
