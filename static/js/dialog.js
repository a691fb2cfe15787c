// <button data-dialog="id"> opens <dialog id="id">; a button in it with data-close closes it. Without scripts the same
// button is a link to a page that asks: <a href="…" data-dialog="id">.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog?.showModal) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  event.target.closest("dialog [data-close]")?.closest("dialog").close();
  // A click on the dark ground around it.
  if (event.target.matches("dialog[open]")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});
