// The page that a device keeps: draws the list, a code or a form from what is kept, whatever the signal. Its address says
// what to show: after the # (/door/#/links/7/code/), else the address of the page that could not be reached.
const doorPage = (() => {
  const LABELS = { left_card: "left a card", not_home: "not home", come_back: "come back", refused: "refused" };
  const SHOWN = 100;
  const views = Object.fromEntries([...document.querySelectorAll("[data-view]")].map((view) => [view.dataset.view, view]));
  const search = document.getElementById("door-search");

  function nameDay(text) {
    const day = new Date(`${text}T12:00:00`);
    const ahead = Math.round((day - new Date().setHours(12, 0, 0, 0)) / 86_400_000);
    if (ahead === 0 || ahead === 1) return ["today", "tomorrow"][ahead];
    return day.toLocaleDateString("en-GB", ahead > 1 && ahead < 7 ? { weekday: "short" } : { day: "numeric", month: "short" });
  }

  // The list as the portal gave it, with what was done since.
  async function readDoors() {
    const data = await doorStore.get("kept", "data");
    if (!data) return { data: null, doors: [] };
    const doors = data.customers.map((customer) => ({ ...customer }));
    const find = ({ customer, added }) => doors.find((door) => (added ? door.added === added : door.id === customer));
    for (const { value: { action, aside } } of await doorStore.entries("outbox")) {
      const link = data.reserve.find(({ id }) => id === action.link) ?? null;
      if (action.kind === "add") {
        doors.unshift({ added: action.key, name: action.name, street: action.street ?? "", city: action.city ?? "", postal_code: action.postal_code ?? "", utility: "", badge: aside ? ["not sent", "fault"] : ["to send", ""], open: true, link });
        continue;
      }
      const door = find(action);
      if (!door) continue;
      if (action.kind === "issue") door.link ??= link;
      else {
        const words = action.outcome === "come_back" ? `come back ${nameDay(action.come_back_on)}` : LABELS[action.outcome];
        door.badge = [words, action.outcome === "refused" ? "fault" : ""];
        door.note = action.note ?? "";
        door.refused = door.refused || action.outcome === "refused";
        door.open = !door.refused;
      }
    }
    return { data, doors };
  }

  const addressOf = ({ street, city }) => [street, city].filter(Boolean).join(", ");
  const callOf = (door) => (door.added ? `/door/#/added/${door.added}/call/` : `/door/#/customers/${door.id}/call/`);
  const codeOf = (door) => (door.link ? `/door/#/links/${door.link.id}/code/` : `/door/#/customers/${door.id}/code/`);

  function drawDoor(template, door) {
    const row = template.content.cloneNode(true);
    row.querySelector("[data-name]").textContent = door.name;
    row.querySelector("[data-address]").textContent = addressOf(door);
    row.querySelector("[data-note]").textContent = `“${door.note}”`;
    row.querySelector("[data-note]").hidden = !door.note;
    const badge = row.querySelector(".badge");
    const [words, source] = door.badge;
    badge.textContent = words;
    if (source) badge.classList.add(`badge-${source}`);
    const [code, call] = row.querySelectorAll("a");
    code.href = codeOf(door);
    code.hidden = Boolean(door.added && !door.link);
    call.href = callOf(door);
    return row;
  }

  function showList({ data, doors }) {
    const words = search.value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const fits = (door) => words.every((word) => `${door.name} ${addressOf(door)}`.toLocaleLowerCase().includes(word));
    const found = words.length ? doors.filter(fits) : doors.filter((door) => door.open);
    const template = document.getElementById("door-item");
    document.getElementById("doors").replaceChildren(...found.slice(0, SHOWN).map((door) => drawDoor(template, door)));
    document.getElementById("no-doors").hidden = found.length > 0 || !data;
    document.getElementById("no-list").hidden = Boolean(data);
    const problem = document.getElementById("no-flow");
    problem.textContent = data?.problem ?? "";
    problem.hidden = !data?.problem;
    const street = found[0]?.street.replace(/^\d+\S*\s+/, "");
    document.getElementById("doors-heading").textContent = words.length ? "All your customers" : street ? `Today · ${street}` : "Today";
    return true;
  }

  function drawCode(rows) {
    const lines = rows.split(",");
    const size = lines.length;
    let path = "";
    lines.forEach((line, row) => {
      const bits = Number.parseInt(line, 16).toString(2).padStart(size, "0");
      for (const run of bits.matchAll(/1+/g)) path += `M${run.index + 4} ${row + 4}h${run[0].length}v1h-${run[0].length}z`;
    });
    const svg = views.code.querySelector("svg");
    svg.setAttribute("viewBox", `0 0 ${size + 8} ${size + 8}`);
    svg.querySelector("path").setAttribute("d", path);
  }

  async function showCode({ data, doors }, id) {
    const door = doors.find(({ link }) => link?.id === id);
    const rows = door && (await doorStore.get("codes", String(id)));
    const view = views.code;
    view.querySelector("[data-gone]").hidden = Boolean(door && rows);
    view.querySelector("[data-code]").hidden = !(door && rows);
    const walk = doors.filter(({ open, link }) => open && link);
    const place = walk.indexOf(door);
    for (const [rel, near] of [["prev", walk[place - 1]], ["next", place >= 0 ? walk[place + 1] : undefined]]) {
      const way = view.querySelector(`a[rel=${rel}]`);
      way.hidden = !near;
      if (near) way.href = codeOf(near);
    }
    if (!data || !door || !rows) return true;
    view.querySelector("h1").textContent = door.name;
    view.querySelector("[data-address]").textContent = [addressOf(door), door.utility].filter(Boolean).join(" · ");
    view.querySelector(".code-text").textContent = door.link.text;
    view.querySelector("[data-call]").href = callOf(door);
    drawCode(rows);
    return true;
  }

  // The page may be days old: which day is tomorrow, the phone's clock says.
  function startCall(form) {
    form.reset();
    const day = (ahead) => {
      const date = new Date(Date.now() + ahead * 86_400_000);
      return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
    };
    form.elements.come_back_on.min = day(0);
    form.elements.come_back_on.value = day(1);
  }

  function showCall({ doors }, find) {
    const door = doors.find(find);
    if (!door) return false;
    const form = views.call.querySelector("form");
    views.call.querySelector("h1").textContent = door.name;
    views.call.querySelector("[data-address]").textContent = addressOf(door);
    Object.assign(form.dataset, { name: door.name, customer: door.id ?? "", added: door.added ?? "", seen: door.changed ?? "", refused: door.refused ? "yes" : "" });
    return true;
  }

  // A customer who has no link yet gets one of those in reserve.
  async function issue({ data, doors }, id) {
    const door = doors.find((each) => each.id === id);
    if (!door) return false;
    const link = door.link ?? (await freeLink(data));
    if (!link) {
      await doorStore.put("problems", { name: door.name, words: "No code is left on this device: it gets new ones with the next signal." }, "no-code");
      return false;
    }
    if (!door.link) await doorSync.note({ kind: "issue", customer: id, link: link.id, seen: door.changed }, door.name);
    window.location.replace(`/door/#/links/${link.id}/code/`);
    return true;
  }

  const ROUTES = [
    [/^\/links\/(\d+)\/code\/$/, "code", (state, id) => showCode(state, Number(id))],
    [/^\/customers\/(\d+)\/code\/$/, "list", (state, id) => issue(state, Number(id))],
    [/^\/customers\/(\d+)\/call\/$/, "call", (state, id) => showCall(state, (door) => door.id === Number(id))],
    [/^\/added\/([\w-]+)\/call\/$/, "call", (state, key) => showCall(state, (door) => door.added === key)],
    [/^\/door\/new\/$/, "add", () => true],
    [/^/, "list", showList],
  ];

  // Where the rep probably is: at the first door, which is the customer added last while that is not sent.
  function fillTown(form, doors) {
    const near = doors.find(({ city }) => city);
    form.reset();
    for (const name of ["city", "postal_code"]) form.elements[name].value = near?.[name] ?? "";
  }

  let shown = "";
  async function show() {
    const path = window.location.hash.slice(1) || window.location.pathname;
    const state = await readDoors();
    for (const [pattern, name, draw] of ROUTES) {
      const found = pattern.exec(path);
      if (!found || !(await draw(state, ...found.slice(1)))) continue;
      for (const [each, view] of Object.entries(views)) view.hidden = each !== name;
      document.body.classList.toggle("code-page", name === "code");
      document.body.toggleAttribute("data-awake", name === "code");
      if (shown !== path) {
        if (name === "call") startCall(views.call.querySelector("form"));
        if (name === "add") fillTown(views.add.querySelector("form"), state.doors);
        window.scrollTo(0, 0);
        document.dispatchEvent(new Event("code:shown"));
      }
      shown = path;
      return;
    }
  }

  // One after the other: the later one draws last.
  let turn = Promise.resolve();
  const showNext = () => { turn = turn.then(show, show); };
  window.addEventListener("hashchange", showNext);
  document.addEventListener("door:changed", showNext);
  search.addEventListener("input", showNext);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  showNext();
  return { show };
})();
