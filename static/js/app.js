// The manners of every page: messages, copying, shortcuts, one press at a time, times that stay true.
// Everything is delegated from the document, so that what htmx swaps in needs no start of its own.
(() => {
  const words = JSON.parse(document.body.dataset.words);
  const messages = document.getElementById("messages");
  const announcer = document.getElementById("announcer");
  const YEAR = 365 * 24 * 3600;
  const TOAST_LASTS = 8000;
  const TOAST_THAT_UNDOES_LASTS = 20_000;

  const keepCookie = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
  };

  // A live region speaks when its text changes: it is emptied first, so that the same words are said again.
  const announce = (text) => {
    announcer.textContent = "";
    setTimeout(() => { announcer.textContent = text; }, 100);
  };

  // Messages -------------------------------------------------------------------------------------------------------
  const dismiss = (toast) => {
    if (toast.contains(document.activeElement)) {
      document.getElementById("content").focus({ preventScroll: true });
    }
    toast.remove();
  };

  // Good news goes by itself, unless somebody is just reading it; what went wrong stays until it is dismissed.
  const letGo = (toast) => {
    if (!["success", "info", "debug"].includes(toast.dataset.toast)) return;
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) letGo(toast);
      else if (toast.isConnected) dismiss(toast);
    }, toast.querySelector("[formaction]") ? TOAST_THAT_UNDOES_LASTS : TOAST_LASTS);
  };

  const complain = (kind) => {
    if (messages.querySelector(`[data-kind="${kind}"]`)) return;
    const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
    toast.dataset.kind = kind;
    toast.querySelector("[data-text]").textContent = words[kind];
    messages.append(toast);
  };

  messages.querySelectorAll("[data-toast]").forEach(letGo);
  new MutationObserver((changes) => {
    changes.flatMap((change) => [...change.addedNodes]).forEach((node) => {
      if (node.nodeType === Node.ELEMENT_NODE && node.matches("[data-toast]")) letGo(node);
    });
  }).observe(messages, { childList: true });
  // A region that was there when the page came says nothing by itself.
  if (messages.textContent.trim()) announce(messages.textContent.trim());

  // Answers that htmx does not swap --------------------------------------------------------------------------------
  document.addEventListener("htmx:responseError", ({ detail }) => {
    const { status } = detail.xhr;
    complain(status >= 500 ? "broken" : status === 404 || status === 410 ? "missing" : "refused");
  });
  document.addEventListener("htmx:sendError", () => complain("network"));
  document.addEventListener("htmx:timeout", () => complain("timeout"));
  document.addEventListener("htmx:afterOnLoad", () => messages.querySelector('[data-kind="network"]')?.remove());
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    target.querySelector?.("[data-error-summary]")?.focus();
    refreshTimes();
  });

  // Live parts -----------------------------------------------------------------------------------------------------
  // They ask again and again what is new: not while nobody looks, and at once when somebody looks again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    document.querySelectorAll("[data-live]").forEach((part) => htmx.trigger(part, "look"));
  });

  // One press at a time --------------------------------------------------------------------------------------------
  const submitters = (form) => [...form.elements].filter((element) => element.type === "submit");
  const lock = (form) => {
    form.setAttribute("aria-busy", "true");
    submitters(form).forEach((button) => button.setAttribute("aria-disabled", "true"));
  };
  const unlock = (form) => {
    form.removeAttribute("aria-busy");
    submitters(form).forEach((button) => button.removeAttribute("aria-disabled"));
  };
  const isLocked = (form) => form.getAttribute("aria-busy") === "true";

  document.addEventListener("submit", (event) => {
    const form = event.target;
    // htmx has prevented the default of its own forms by now; those are locked below.
    if (event.defaultPrevented || !form.matches("form[data-once]")) return;
    if (isLocked(form)) event.preventDefault();
    else lock(form);
  });
  // Only a press of the form itself counts: a field in it may search meanwhile.
  const pressed = (element) => {
    const form = element.matches("form") ? element : element.type === "submit" ? element.form : null;
    return form?.matches("[data-once]") ? form : null;
  };
  // htmx would keep a second press and send it after the first: it is dropped before it is queued.
  document.addEventListener("htmx:confirm", (event) => {
    const form = pressed(event.detail.elt);
    if (form && isLocked(form)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const form = pressed(detail.elt);
    if (form) lock(form);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const form = pressed(detail.elt);
    // While a redirect is on its way the press still counts.
    if (form && !detail.xhr.getResponseHeader("HX-Redirect")) unlock(form);
  });
  // What comes back for a press finds its places from the form that was pressed: a search puts its answer there later.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { target, requestConfig } = detail;
    const { elt } = requestConfig;
    const busy = elt.matches('[role="search"]') && target.querySelector('form[data-once][aria-busy="true"]');
    if (!busy) return;
    detail.shouldSwap = false;
    busy.addEventListener("htmx:afterRequest", () => htmx.trigger(elt, "submit"), { once: true });
  });
  // The second half of a double click would break off what the first has begun to fetch, and that is given once.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-once]");
    if (!link) return;
    if (isLocked(link)) event.preventDefault();
    else link.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-once]").forEach(unlock);
    document.querySelectorAll("a[data-once]").forEach((link) => link.removeAttribute("aria-busy"));
  });

  // Copying, dismissing ----------------------------------------------------------------------------------------------
  // The clipboard is there over https and on localhost only; elsewhere the old command still works.
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  const showIcon = (button, name) => {
    const use = button.querySelector("use");
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${name}`));
  };
  document.addEventListener("click", async ({ target }) => {
    const toast = target.closest("[data-dismiss]")?.closest("[data-toast]");
    if (toast) dismiss(toast);
    const button = target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    button.focus();
    announce(words.copied);
    showIcon(button, "check");
    setTimeout(() => showIcon(button, "copy"), 2000);
  });

  // Shortcuts --------------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const fields = document.querySelectorAll(`[data-shortcut="${CSS.escape(event.key)}"]`);
    const field = [...fields].find((element) => element.checkVisibility());
    if (!field) return;
    event.preventDefault();
    field.focus();
  });

  // Times --------------------------------------------------------------------------------------------------------------
  const ago = (moment) => {
    const seconds = Math.trunc((Date.now() - moment) / 1000);
    const minutes = Math.trunc(Math.abs(seconds) / 60);
    if (minutes === 0) return words.now;
    const [unit, number] = minutes < 60 ? ["minutes", minutes] : ["hours", Math.trunc(minutes / 60)];
    const sentence = seconds > 0 ? words[unit] : words[unit === "minutes" ? "inMinutes" : "inHours"];
    return sentence.replace("%(n)s", number);
  };
  const refreshTimes = () => {
    document.querySelectorAll("time[data-relative]").forEach((element) => {
      const text = ago(new Date(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    });
  };
  setInterval(refreshTimes, 30_000);

  // Language and theme ---------------------------------------------------------------------------------------------------
  const landedOn = location.href;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // htmx may have changed the address since the page was made.
    if (form.matches("[data-here]") && location.href !== landedOn) {
      form.elements.next.value = location.pathname + location.search;
    }
    if (!form.matches("[data-theme-menu]")) return;
    event.preventDefault();
    keepCookie("theme", event.submitter.value);
    document.documentElement.dataset.chosenTheme = event.submitter.value;
    document.dispatchEvent(new Event("theme:chosen"));
    form.querySelector("[aria-current]")?.removeAttribute("aria-current");
    event.submitter.setAttribute("aria-current", "true");
    form.hidePopover();
  });

  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (timeZone && !document.cookie.split("; ").includes(`timezone=${timeZone}`)) keepCookie("timezone", timeZone);
})();
