// Buttons with data-passkey ask the browser for a passkey, through django-allauth's own script; what goes wrong is said
// in words, beside the button.
(() => {
  const { forms } = window.allauth.webauthn;
  const buttons = document.querySelectorAll("[data-passkey]");

  const complain = (what) => {
    document.querySelectorAll("[data-passkey-problem]").forEach((place) => {
      place.textContent = place.dataset[what];
      place.hidden = false;
    });
  };

  // Sites that are not reached over https get no passkeys from the browser.
  if (!window.webauthnJSON.supported()) {
    buttons.forEach((button) => { button.disabled = true; });
    complain("unsupported");
    return;
  }

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const { name } = event.detail.exception;
    complain({ NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known" }[name] || "failed");
  });

  buttons.forEach((button) => forms[button.dataset.passkey]({ ids: JSON.parse(button.dataset.passkeyIds) }));
})();
