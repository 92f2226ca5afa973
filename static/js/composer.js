// The composer's one field: searching while one types, choosing with the keyboard, pasting whole lists.
// Everything it does ends in the same forms that work without it. Delegated, so that htmx may swap what it likes.
(() => {
  const field = () => document.querySelector("[data-composer-field]");
  const list = () => document.getElementById("draft_suggestions");
  const options = () => [...list().querySelectorAll('[role="option"]')];
  const active = () => list().querySelector('[aria-selected="true"]');
  const isField = (element) => element instanceof Element && element.matches("[data-composer-field]");
  // What the server takes for a line of its own is not searched for.
  const SEPARATOR = /[\t\n,，;；|｜/／:：、<]| {2}/;
  const MOST_ROWS = 8;

  // The list box -----------------------------------------------------------------------------------------------------
  const mark = (option) => {
    options().forEach((other) => other.setAttribute("aria-selected", String(other === option)));
    if (option) {
      field().setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      field().removeAttribute("aria-activedescendant");
    }
  };

  // A search that only waits for the typing to pause cannot be aborted: it is stopped when it wants to begin.
  let isCalledOff = false;
  const close = () => {
    isCalledOff = true;
    htmx.trigger(field(), "htmx:abort");
    list().hidden = true;
    list().classList.remove("show");
    list().replaceChildren();
    field().removeAttribute("aria-activedescendant");
  };

  const open = () => {
    const found = options();
    const isOpen = found.length > 0 && document.activeElement === field() && field().value.trim() !== "";
    list().hidden = !isOpen;
    list().classList.toggle("show", isOpen);
    // Enter adds what was typed unless something was found for it: asking elsewhere is a choice of its own.
    mark(isOpen && !found[0].matches("[data-not-first]") ? found[0] : null);
  };

  const step = (by) => {
    const found = options();
    const at = found.indexOf(active()) + by;
    mark(found[(at + found.length) % found.length]);
  };

  // The field --------------------------------------------------------------------------------------------------------
  const fit = () => {
    field().rows = Math.min(MOST_ROWS, field().value.split("\n").length);
  };

  const set = (text) => {
    field().value = text;
    fit();
  };

  const removeLast = () => {
    const buttons = document.querySelectorAll("#draft_people .composer-remove");
    buttons[buttons.length - 1]?.click();
  };

  const onEnter = (event) => {
    if (event.shiftKey) return;
    event.preventDefault();
    if (active()) active().click();
    else if (field().value.trim()) field().form.requestSubmit();
  };

  document.addEventListener("keydown", (event) => {
    if (!isField(event.target) || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const isOpen = !list().hidden;
    if (event.key === "Enter") onEnter(event);
    else if (isOpen && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      if (isOpen) event.preventDefault();
      close();
    } else if (event.key === "Backspace" && !event.repeat && field().value === "") removeLast();
  });

  document.addEventListener("input", (event) => {
    if (!isField(event.target)) return;
    isCalledOff = false;
    fit();
    // What was found belongs to another text now: Enter must not add it.
    mark(null);
    if (!field().value.trim() || SEPARATOR.test(field().value)) close();
  });

  // Several lines go to the server at once; one line may still be completed by hand.
  document.addEventListener("paste", (event) => {
    if (!isField(event.target)) return;
    const text = event.clipboardData.getData("text").trim();
    if (!text.includes("\n")) return;
    event.preventDefault();
    const before = field().value.trim();
    set(before ? `${before}\n${text}` : text);
    field().form.requestSubmit();
  });

  document.addEventListener("focusin", ({ target }) => {
    if (!isField(target)) return;
    target.setAttribute("aria-autocomplete", "list");
    target.setAttribute("aria-haspopup", "listbox");
    target.setAttribute("aria-controls", "draft_suggestions");
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (isField(target) && !list().contains(relatedTarget)) close();
  });
  // A press on an option must not take the focus out of the field.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest('#draft_suggestions [role="option"]')) event.preventDefault();
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isField(event.detail.elt)) return;
    const text = field().value;
    if (isCalledOff || !text.trim() || SEPARATOR.test(text)) event.preventDefault();
  });

  // What was sent leaves the field as it goes, so that one can type on, and comes back if it was refused ---------------
  let sent = "";
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (!detail.elt.matches("[data-clears]")) return;
    sent = field().value;
    close();
    set("");
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { elt, xhr } = detail;
    const isDone = xhr.status === 200;
    if (elt.matches("[data-clears]")) {
      if (!isDone) set(field().value ? `${sent}\n${field().value}` : sent);
      field().setAttribute("aria-invalid", String(xhr.status === 422));
      sent = "";
    }
    if (isDone && elt.matches("[data-unticks]")) elt.reset();
  });

  // A row that goes takes the focus with it: the next one gets it, or the field ------------------------------------------
  // By request: whatever else asks meanwhile must not change where the focus goes after it.
  const places = new WeakMap();
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const { activeElement } = document;
    if (!detail.elt.closest("#composer")) return;
    if (!activeElement?.closest("#composer") || isField(activeElement)) return;
    const row = activeElement.closest("li[id]");
    const rows = row ? [...row.parentElement.children] : [];
    const sends = detail.elt.matches("#draft_bar form");
    places.set(detail.xhr, { row: row?.id, rows: rows.map(({ id }) => id), sends });
  });
  const nextPlace = (place) => {
    if (place.sends) {
      return document.getElementById("draft_send") ?? document.getElementById("latest-heading");
    }
    const same = place.row && document.getElementById(place.row);
    if (same) return same.querySelector(".composer-who a, [data-focus]");
    // The first that stood behind it, or else the last that stood before it.
    const at = place.rows.indexOf(place.row);
    const others = [...place.rows.slice(at + 1), ...place.rows.slice(0, Math.max(at, 0)).reverse()];
    const next = others.map((id) => document.getElementById(id)).find(Boolean);
    return next?.querySelector("[data-focus]");
  };
  document.addEventListener("htmx:afterSettle", ({ target, detail }) => {
    if (target.id === "draft_suggestions") open();
    const place = places.get(detail.xhr);
    if (place && document.activeElement === document.body) (nextPlace(place) ?? field())?.focus();
  });

  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-forget]")) return;
    document.getElementById("draft_change").replaceChildren();
    field().focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.target.closest?.("#composer li")?.querySelector("[data-cancel]")?.click();
  });
})();
