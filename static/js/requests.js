// What htmx leaves open: an answer that is not the list (signed out meanwhile, an error, no network) must not leave an
// empty place. Then the browser goes where a plain link would have gone, and shows what is there.
function goPlainly(event) {
  const config = event.detail.requestConfig;
  if (config?.verb !== "get") return false;
  window.location.assign(event.detail.pathInfo?.finalRequestPath ?? config.path);
  return true;
}

// Signed out meanwhile, the answer is the sign-in page: it must not stand inside another one.
function isFromElsewhere({ xhr, pathInfo, requestConfig }) {
  if (requestConfig?.verb !== "get" || !xhr.responseURL || !pathInfo) return false;
  const asked = new URL(pathInfo.finalRequestPath ?? pathInfo.requestPath, window.location.href);
  return new URL(xhr.responseURL).pathname !== asked.pathname;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (target?.id !== "table" && isFromElsewhere(event.detail)) {
    event.detail.shouldSwap = false;
    window.location.reload();
    return;
  }
  if (target?.id !== "table" || xhr.status !== 200) return;
  if (!xhr.responseText.includes('id="table"') && goPlainly(event)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:responseError", goPlainly);
document.addEventListener("htmx:sendError", () => {
  const place = document.getElementById("table");
  if (!place || document.getElementById("no-network")) return;
  const notice = document.createElement("p");
  notice.id = "no-network";
  notice.className = "notice notice-error";
  notice.setAttribute("role", "alert");
  notice.textContent = "The portal cannot be reached. The list below may be out of date: check the network and try again.";
  place.before(notice);
});
document.addEventListener("htmx:afterSwap", () => document.getElementById("no-network")?.remove());
