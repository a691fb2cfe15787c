// Menus are <details class="drop">, which open without scripts. Here they also close: on Escape, on a click elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.drop[open]");
  closeMenus(null);
  open?.querySelector("summary").focus();
});
