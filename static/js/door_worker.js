// The service worker: without a signal, the page that the device keeps (/door/) stands in for every page of the portal;
// its scripts read from the address what to show. Only that page and its parts are kept here, no customer.
const SHELL = "door-shell";
const PATIENCE_MS = 6000;
// Customers' own doors, sign-in and what is not the portal.
const ELSEWHERE = /^\/(go|GO|leap|login|logout|invitation|sandbox|admin|healthz|readyz)(\/|$)/;
const AT_THE_DOOR = /^\/(door\/new\/|links\/\d+\/code\/|customers\/\d+\/(call|code)\/)?$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keptPage() {
  return (await caches.open(SHELL)).match("/door/", { ignoreVary: true });
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function answerPage(request, path) {
  if (path === "/door/" && request.method === "GET") {
    const kept = await keptPage();
    if (kept) return kept;
  }
  const network = fetch(request);
  network.catch(() => {});
  try {
    // A signal that is too weak is none; but what a form sends is not given up.
    const impatient = request.method === "GET" && AT_THE_DOOR.test(path) && (await keptPage());
    const answer = await (impatient ? Promise.race([network, wait(PATIENCE_MS)]) : network);
    if (answer) return answer;
    return await keptPage();
  } catch {
    return (await keptPage()) ?? Response.error();
  }
}

async function answerPart(request) {
  const cache = await caches.open(SHELL);
  return (await cache.match(request, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin || ELSEWHERE.test(pathname)) return;
  // Forms go straight to the portal, but for those that the device can do itself.
  if (request.method !== "GET" && !AT_THE_DOOR.test(pathname)) return;
  if (request.mode === "navigate") event.respondWith(answerPage(request, pathname));
  else if (pathname.startsWith("/static/") && request.cache !== "no-cache") {
    event.respondWith(answerPart(request));
  }
});
