// Rows chosen in a list: <form data-selection> with row checkboxes named "select" and a ".bulk" bar.
// The header's checkbox chooses the page; when the whole page is chosen and the server offers it
// (label[data-select-all]), all that match can be chosen. The bar shows while something is chosen.
const rowBoxes = (form) => [...form.querySelectorAll('tbody input[type="checkbox"][name="select"]')];
const headBox = (form) => form.querySelector('thead input[type="checkbox"]');

function refreshSelection(form) {
  const boxes = rowBoxes(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const whole = boxes.length > 0 && chosen === boxes.length;
  const head = headBox(form);
  if (head) {
    head.checked = whole;
    head.indeterminate = chosen > 0 && !whole;
    if (!head.hasAttribute("aria-label")) head.setAttribute("aria-label", "Select all on this page");
  }
  const bar = form.querySelector(".bulk");
  if (!bar) return;
  bar.classList.toggle("active", chosen > 0);
  const offer = bar.querySelector("[data-select-all]");
  const everything = offer?.querySelector("input");
  if (offer) {
    offer.hidden = !whole;
    if (!whole) everything.checked = false;
  }
  const count = bar.querySelector("[data-selected-count]");
  if (count) count.textContent = everything?.checked ? (offer.dataset.selectAll || "All that match") : `${chosen} selected`;
}

function refreshAllSelections() {
  document.querySelectorAll("form[data-selection]").forEach(refreshSelection);
}

let lastBox = null;

document.addEventListener("click", (event) => {
  const box = event.target.closest('tbody input[type="checkbox"][name="select"]');
  const form = box?.closest("form[data-selection]");
  if (!form) return;
  const boxes = rowBoxes(form);
  // Shift extends from the box before, as in a mail program.
  if (event.shiftKey && boxes.includes(lastBox)) {
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    refreshSelection(form);
  }
  lastBox = box;
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-selection]");
  if (!form) return;
  if (event.target === headBox(form)) {
    for (const box of rowBoxes(form)) box.checked = event.target.checked;
  }
  refreshSelection(form);
});

// The browser restores ticks after "back", and htmx brings a fresh list.
window.addEventListener("pageshow", refreshAllSelections);
document.addEventListener("htmx:afterSettle", refreshAllSelections);
refreshAllSelections();
