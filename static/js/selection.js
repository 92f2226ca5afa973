// Ticking people in a list: all that are shown at once, a range with Shift, and how many are ticked. Once all that are
// shown are ticked, a box offers all the others that are not shown as well.
// The bar that acts on them is shown and hidden by the stylesheet. Delegated, so that lists may be swapped.
(() => {
  let last = null;

  const boxesOf = (element) => [...element.closest("table").querySelectorAll('tbody input[type="checkbox"]')];

  const tell = (boxes) => {
    const ticked = boxes.filter((box) => box.checked).length;
    const all = document.querySelector("[data-select-all]");
    if (all) {
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    }
    const everything = document.querySelector('[name="everything"]');
    if (everything && !all?.checked) everything.checked = false;
    const sentence = document.querySelector("[data-selected]");
    if (!sentence) return;
    sentence.textContent = everything?.checked
      ? sentence.dataset.everything
      : sentence.dataset.selected.replace("%(n)s", ticked);
  };

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches?.('table input[type="checkbox"]')) return;
    const boxes = boxesOf(box);
    if (box.matches("[data-select-all]")) {
      boxes.forEach((other) => { other.checked = box.checked; });
    } else {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) boxes.slice(from, to).forEach((other) => { other.checked = box.checked; });
      last = box;
    }
    tell(boxes);
  });

  // Enter on a box would press a button of the bar.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.('table input[type="checkbox"]')) event.preventDefault();
  });

  // Rows that came or went by a swap, and boxes that the browser ticks again when one comes back.
  const look = () => {
    const all = document.querySelector("[data-select-all]");
    if (all) tell(boxesOf(all));
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches('[name="everything"]')) look();
  });
  document.addEventListener("htmx:afterSettle", look);
  window.addEventListener("pageshow", look);
})();
