"""The addresses of second factors, under the names by which django-allauth looks for them."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from invites.securing import confirm_first
from invites.views import factor, proving, security

urlpatterns = [
    # The page that shows one's factors is ours, whatever allauth calls it.
    path("settings/security/", security.security, name="mfa_index"),
    path("settings/security/", security.security, name="mfa_list_webauthn"),
    path(
        "settings/security/app/",
        confirm_first(factor.AuthenticatorAppView.as_view()),
        name="mfa_activate_totp",
    ),
    path(
        "settings/security/app/remove/",
        confirm_first(factor.AuthenticatorAppRemoveView.as_view()),
        name="mfa_deactivate_totp",
    ),
    path(
        "settings/security/passkeys/new/",
        confirm_first(factor.PasskeyCreateView.as_view()),
        name="mfa_add_webauthn",
    ),
    path(
        "settings/security/passkeys/<int:pk>/remove/",
        confirm_first(factor.PasskeyRemoveView.as_view()),
        name="mfa_remove_webauthn",
    ),
    path(
        "settings/security/codes/",
        confirm_first(factor.RecoveryCodesView.as_view()),
        name="mfa_view_recovery_codes",
    ),
    path(
        "settings/security/codes/new/",
        confirm_first(factor.RecoveryCodesCreateView.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    # Who one is, once more.
    path("settings/security/confirm/", proving.PasswordAgainView.as_view(), name="account_reauthenticate"),
    path("settings/security/confirm/code/", proving.CodeAgainView.as_view(), name="mfa_reauthenticate"),
    path(
        "settings/security/confirm/passkey/",
        proving.PasskeyAgainView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    # The ways in.
    path("sign-in/second-step/", proving.SecondStepView.as_view(), name="mfa_authenticate"),
    path(
        "sign-in/passkey/",
        login_not_required(proving.PasskeySignInView.as_view()),
        name="mfa_login_webauthn",
    ),
]
