// <button data-copy="text"> copies its text and says so, also to a screen reader (#announcer).
// Where the clipboard is closed (http, old browsers) the text is shown selected, to copy by hand.
async function copyText(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    showToCopyByHand(button, text);
    return;
  }
  say(button, "Copied");
}

function say(button, words) {
  button.dataset.label ??= button.textContent;
  button.textContent = words;
  const announcer = document.getElementById("announcer");
  if (announcer) announcer.textContent = `${words}: ${button.dataset.copy.slice(0, 120)}`;
  clearTimeout(button.restoreTimer);
  button.restoreTimer = setTimeout(() => {
    button.textContent = button.dataset.label;
    if (announcer) announcer.textContent = "";
  }, 2500);
}

function showToCopyByHand(button, text) {
  let field = button.nextElementSibling;
  if (!field?.matches("textarea[data-copy-field]")) {
    field = document.createElement("textarea");
    field.readOnly = true;
    field.dataset.copyField = "";
    field.setAttribute("aria-label", "Copy this text by hand");
    button.after(field);
  }
  field.value = text;
  field.focus();
  field.select();
  // Deprecated, but the only way left on a page without https.
  const copied = document.execCommand("copy");
  if (copied) {
    field.remove();
    button.focus();
  }
  say(button, copied ? "Copied" : "Press Ctrl+C");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copyText(button);
});
