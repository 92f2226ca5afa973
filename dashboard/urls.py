"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path
from django.views.i18n import set_language

from dashboard import home, views
from invites.securing import confirm_first
from invites.signing_in import provider
from invites.views import joining, signing_in

# Where allauth looks for the page that says that somebody has tried too often.
handler429 = "dashboard.views.tried_too_often"

# Django and django-allauth have names of their own for the same page.
_signing_in = [
    path("sign-in/", signing_in.SignInView.as_view(), name="account_login"),
    path("sign-in/", signing_in.SignInView.as_view(), name="login"),
    path("sign-out/", signing_in.SignOutView.as_view(), name="account_logout"),
    path("sign-out/", signing_in.SignOutView.as_view(), name="logout"),
    path("password/", signing_in.PasswordView.as_view(), name="account_change_password"),
    path("password/", signing_in.PasswordView.as_view(), name="password_change"),
    path(
        "password/set/",
        # Where somebody has nothing to show who they are by, it says so in words.
        confirm_first(signing_in.FirstPasswordView.as_view()),
        name="account_set_password",
    ),
    path("sign-in/forgotten/", signing_in.ForgottenPasswordView.as_view(), name="account_reset_password"),
    path(
        "sign-in/forgotten/sent/",
        signing_in.ForgottenPasswordSentView.as_view(),
        name="account_reset_password_done",
    ),
    re_path(
        r"^sign-in/forgotten/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        signing_in.NewPasswordView.as_view(),
        name="account_reset_password_from_key",
    ),
    path("sign-in/dingtalk/", provider.sign_in, name="dingtalk_login"),
    path("sign-in/dingtalk/callback/", provider.come_back, name="dingtalk_callback"),
    path("sign-in/dingtalk/disconnect/", joining.disconnect_dingtalk, name="dingtalk_disconnect"),
    path("join/<str:token>/", joining.join, name="join"),
]

urlpatterns = [
    *_signing_in,
    path("", home.home, name="home"),
    path("live/", home.home_live, name="home_live"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("theme/", views.set_theme, name="set_theme"),
    path("", include("dashboard.factor_urls")),
    path("admin/", admin.site.urls),
    # Named and not included: its library is loaded when a program first asks, and costs nothing where none does.
    path("api/v1/", ("invites.api.site", "api", "api")),
    path("", include("invites.urls")),
]
