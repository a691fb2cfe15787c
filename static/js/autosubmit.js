// A form with data-autosubmit is sent when something in it changes. Where htmx refreshes the list itself (hx-get), this
// only keeps the address short: what is empty is no filter and stays out of it.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("[data-autosubmit]")) return;
  if (window.htmx && form.hasAttribute("hx-get")) return;
  form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-autosubmit]") || (window.htmx && form.hasAttribute("hx-get"))) return;
  for (const field of form.elements) {
    if (field.name && field.value === "") field.disabled = true;
  }
});

// "Back" may bring the page as it was left, with those fields still off.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("form[data-autosubmit] :disabled")) field.disabled = false;
});

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("form[data-autosubmit]")) return;
  const values = event.detail.formData;
  for (const name of new Set(values.keys())) {
    const kept = values.getAll(name).filter((value) => value !== "");
    values.delete(name);
    for (const value of kept) values.append(name, value);
  }
});
