// A rep's device and the portal: read the list, send what was done, once each (docs/door.md). Pages hear of it by the
// event "door:changed" and say how it stands in [data-door-state] and [data-door-problems].
const doorSync = (() => {
  const BATCH = 20, CODES = 100, AGAIN_MS = 30_000, TRIES = 5;
  // Answers that blame what was sent. All others (no signal, a busy server, a new version on its way) are waited out.
  const BLAME = [400, 413, 422, 500];
  let contact = null;
  let online = navigator.onLine;

  class SignedOut extends Error {}
  class Refused extends Error {}

  async function ask(url, options = {}) {
    const answer = await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
    // Signed out or disabled: whatever is asked, the answer is the sign-in page. Not permitted any more: "wipe".
    const signedOut = answer.redirected && new URL(answer.url).pathname.startsWith("/login/");
    const wipe = answer.status === 403 && (await answer.clone().json().catch(() => ({}))).wipe === true;
    if (signedOut || wipe) {
      await wipeDevice();
      window.location.replace(signedOut ? "/login/" : "/");
      throw new SignedOut();
    }
    if (BLAME.includes(answer.status)) {
      const { error } = await answer.json().catch(() => ({}));
      throw new Refused(error || `The portal met an error (${answer.status}).`);
    }
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer;
  }

  async function send(csrf, url, body) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    return (await ask(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  // What somebody else left behind is neither shown nor sent.
  async function keepOnlyMine(rep) {
    const kept = await doorStore.get("kept", "data");
    if (!kept || kept.rep === rep) return;
    for (const store of ["kept", "codes", "outbox", "problems"]) await doorStore.clear(store);
  }

  async function read() {
    const { csrf, ...data } = await (await ask("/door/data/")).json();
    await keepOnlyMine(data.rep);
    await doorStore.put("kept", data, "data");
    return { csrf, ...data };
  }

  // All that is not sent. Nothing where there is no database, or where it is being wiped at this moment.
  const undone = async () => ((await doorStore.waiting()) ? doorStore.entries("outbox").catch(() => []) : []);

  // What is to be sent, in its order: without what was set aside, and what was done at a door whose customer was.
  async function toSend() {
    const all = await undone();
    const aside = new Set(all.filter(({ value }) => value.aside).map(({ value }) => value.action.key));
    return all.filter(({ value }) => !value.aside && !aside.has(value.action.added));
  }

  // Counts a try that was refused; returns whether it was the last, after which the rep decides (showProblems).
  async function countTry({ key, value }, reason) {
    const tries = (value.tries ?? 0) + 1;
    await doorStore.put("outbox", { ...value, tries, aside: tries < TRIES ? "" : reason }, key);
    return tries >= TRIES;
  }

  // Returns the keys of what is sent. They leave the outbox only once the list has been read anew: until then pages
  // show what was done, and a link that was handed out counts as used.
  async function sendOutbox() {
    const sent = [];
    if (!(await toSend()).length) return sent;
    const { csrf, rep } = await (await ask("/door/actions/")).json();
    await keepOnlyMine(rep);
    let most = BATCH;
    for (;;) {
      const waiting = (await toSend()).filter(({ key }) => !sent.includes(key)).slice(0, most);
      if (!waiting.length) return sent;
      let answers;
      try {
        ({ answers } = await send(csrf, "/door/actions/", { actions: waiting.map(({ value }) => value.action) }));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // One of them is to blame: sent one by one, it shows which.
        if (waiting.length === 1 && !(await countTry(waiting[0], error.message))) return sent;
        most = 1;
        continue;
      }
      for (const [place, answer] of answers.entries()) {
        if (answer.status === "later") continue;
        const { key, value } = waiting[place];
        if (answer.message) await doorStore.put("problems", { words: answer.message, name: value.name, link: answer.link }, answer.key);
        sent.push(key);
      }
      const stuck = answers.findIndex(({ status }) => status === "later");
      if (stuck >= 0 && !(await countTry(waiting[stuck], "The portal’s database did not take it."))) return sent;
    }
  }

  async function readCodes(data) {
    const links = [...data.customers.map(({ link }) => link).filter(Boolean), ...data.reserve];
    const kept = new Map((await doorStore.entries("codes")).map(({ key }) => [String(key), true]));
    const missing = links.map(({ id }) => id).filter((id) => !kept.has(String(id)));
    for (let start = 0; start < missing.length; start += CODES) {
      const { codes } = await send(data.csrf, "/door/codes/", { links: missing.slice(start, start + CODES) });
      for (const [id, rows] of Object.entries(codes)) await doorStore.put("codes", rows, id);
    }
    const needed = new Set(links.map(({ id }) => String(id)));
    for (const id of kept.keys()) if (!needed.has(id)) await doorStore.remove("codes", id);
  }

  // The page that stands in for all others without a signal, and what it is made of.
  async function keepShell() {
    if (!window.caches) return;
    const page = await ask("/door/");
    const text = await page.clone().text();
    const cache = await caches.open("door-shell");
    const parts = [...text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, path]) => path);
    await Promise.all(parts.map(async (path) => {
      // A name with a hash in it never changes what it stands for.
      if (/\.[0-9a-f]{12}\.\w+$/.test(path) && (await cache.match(path))) return;
      const part = await fetch(path, { cache: "no-cache" });
      if (part.ok) await cache.put(path, part);
    }));
    await cache.put("/door/", page);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname !== "/door/" && !parts.includes(pathname)) await cache.delete(request);
    }
  }

  async function meet() {
    try {
      // First of all: reading may end the reserve from which links were handed out.
      const sent = await sendOutbox();
      const data = await read();
      online = true;
      for (const key of sent) await doorStore.remove("outbox", key);
      changed();
      await readCodes(data);
      await keepShell();
    } catch (error) {
      if (error instanceof SignedOut) return;
      // No signal, or the portal has trouble: all stays as it is, and is tried again.
      online = false;
    }
    changed();
    document.documentElement.dataset.doorReady = online ? "yes" : "no";
  }

  function changed() {
    document.dispatchEvent(new CustomEvent("door:changed"));
    showState();
    showProblems();
  }

  async function showState() {
    const place = document.querySelector("[data-door-state]");
    if (!place) return;
    const waiting = (await toSend()).length;
    const words = [online ? "" : "offline", waiting ? `${waiting} to send` : ""].filter(Boolean).join(" · ");
    place.textContent = words;
    place.hidden = !words;
  }

  async function showProblems() {
    const place = document.querySelector("[data-door-problems]");
    const template = document.getElementById("door-problem");
    if (!place || !template) return;
    const rows = (await doorStore.entries("problems")).map(({ key, value }) => {
      const row = template.content.cloneNode(true);
      row.querySelector("[data-name]").textContent = value.name || "";
      row.querySelector("[data-words]").textContent = value.words;
      const code = row.querySelector("a");
      if (value.link) code.href = `/door/#/links/${value.link}/code/`;
      code.hidden = !value.link;
      row.querySelector("button").dataset.doorRead = key;
      return row;
    });
    place.replaceChildren(...(await asideRows()), ...rows);
  }

  const DONE = { add: () => "new customer", issue: () => "code handed out", call: ({ outcome }) => `outcome “${outcome.replace("_", " ")}”` };

  async function asideRows() {
    const all = await undone();
    return all.filter(({ value }) => value.aside).map(({ key, value: { action, name, aside } }) => {
      const row = document.getElementById("door-aside").content.cloneNode(true);
      const calls = all.filter(({ value }) => value.action.added === action.key).length;
      const withCalls = calls ? `, and ${calls} outcome${calls === 1 ? "" : "s"} noted there` : "";
      row.querySelector("[data-name]").textContent = name || "";
      row.querySelector("[data-words]").textContent = `Not sent after ${TRIES} tries: ${DONE[action.kind](action)}${withCalls}. ${aside}`;
      row.querySelector("[data-door-again]").dataset.doorAgain = key;
      row.querySelector("[data-door-discard]").dataset.doorDiscard = key;
      return row;
    });
  }

  async function tryAgain(key) {
    const value = await doorStore.get("outbox", key);
    if (value) await doorStore.put("outbox", { ...value, tries: 0, aside: "" }, key);
    changed();
    now();
  }

  async function discard(key) {
    const value = await doorStore.get("outbox", key);
    if (!value || !window.confirm(`Discard what was noted for ${value.name || "this door"}? It is only on this phone.`)) return;
    const all = await doorStore.entries("outbox");
    for (const each of all.filter((each) => each.key === key || each.value.action.added === value.action.key)) {
      await doorStore.remove("outbox", each.key);
    }
    changed();
    now();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-door-read], [data-door-again], [data-door-discard]");
    if (!button) return;
    const { doorRead, doorAgain, doorDiscard } = button.dataset;
    if (doorAgain) await tryAgain(Number(doorAgain));
    if (doorDiscard) await discard(Number(doorDiscard));
    if (!doorRead) return;
    await doorStore.remove("problems", doorRead);
    showProblems();
  });

  // One at a time, and one more if something was done meanwhile.
  function now() {
    contact = (contact ?? Promise.resolve()).then(meet);
    return contact;
  }

  function start() {
    navigator.serviceWorker?.register("/door/worker.js", { scope: "/" }).catch(() => {});
    window.addEventListener("online", now);
    window.addEventListener("offline", () => { online = false; changed(); });
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") now(); });
    setInterval(async () => { if (!online || (await toSend()).length) now(); }, AGAIN_MS);
    changed();
    now();
  }

  // What was done: kept first, then sent. Resolves as soon as it is kept.
  async function note(action, name) {
    navigator.storage?.persist?.().catch(() => {});
    await doorStore.put("outbox", { action: { key: crypto.randomUUID(), at: new Date().toISOString(), ...action }, name });
    changed();
    now();
  }

  return { start, note, now, isOnline: () => online };
})();

// Without https a browser offers none of this: the pages then work as they do without scripts.
if (window.isSecureContext && window.indexedDB) doorSync.start();
