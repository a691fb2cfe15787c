// A code held towards a customer (body[data-awake]): the screen stays on where the browser can, and a swipe or an arrow
// key goes to the doors before and after (a[rel=prev], a[rel=next]). Brightness is the phone's own: no page can set it.
let lock = null;
async function stayAwake() {
  const wanted = document.visibilityState === "visible" && document.body.hasAttribute("data-awake");
  try {
    if (!wanted) await lock?.release();
    lock = wanted ? await navigator.wakeLock?.request("screen") : null;
  } catch {
    // Low battery, or not allowed: the screen dims as it always does.
  }
}

function goTo(direction) {
  if (!document.body.hasAttribute("data-awake")) return;
  document.querySelector(`.code-bar a[rel=${direction}]:not([hidden])`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "ArrowRight") goTo("next");
  if (event.key === "ArrowLeft") goTo("prev");
});

let swipe = null;
document.addEventListener("touchstart", (event) => {
  const [touch] = event.touches;
  swipe = event.touches.length === 1 ? { x: touch.clientX, y: touch.clientY } : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  const [touch] = event.changedTouches;
  if (!swipe) return;
  const across = touch.clientX - swipe.x;
  const down = touch.clientY - swipe.y;
  swipe = null;
  // Clearly sideways, and longer than a trembling tap.
  if (Math.abs(across) < 60 || Math.abs(across) < 2 * Math.abs(down)) return;
  goTo(across < 0 ? "next" : "prev");
}, { passive: true });

// The browser lets go of the lock whenever the page is out of sight.
document.addEventListener("visibilitychange", stayAwake);
document.addEventListener("code:shown", stayAwake);
stayAwake();
