// Forms at the door: form[data-door-form=add|call]. What is filled in is kept on the device first and sent from there,
// with a signal or without. On a device that keeps no list the form is sent as it is.
async function freeLink(data) {
  const used = new Set((await doorStore.entries("outbox")).map(({ value }) => value.action.link));
  return data.reserve.find(({ id }) => !used.has(id)) ?? null;
}

function valuesOf(form) {
  const values = {};
  for (const [name, value] of new FormData(form)) {
    if (value && !["key", "at", "csrfmiddlewaretoken"].includes(name)) values[name] = value;
  }
  return values;
}

function dayIsMissing(form, values) {
  const day = form.elements.come_back_on;
  const missing = values.outcome === "come_back" && !values.come_back_on;
  day.setCustomValidity(missing ? "Say on which day you come back." : "");
  day.addEventListener("input", () => day.setCustomValidity(""), { once: true });
  return missing;
}

async function noteCall(form, values) {
  if (values.outcome !== "come_back") delete values.come_back_on;
  const { customer, added, name, seen, refused } = form.dataset;
  const about = added ? { added } : { customer: Number(customer) };
  if (seen) about.seen = seen;
  if (refused === "yes") about.refused = true;
  await doorSync.note({ kind: "call", ...about, ...values }, name);
  window.location.assign("/door/#/");
}

async function noteAdd(form, values, data) {
  let link = await freeLink(data);
  if (!link && doorSync.isOnline()) {
    // Links come with a contact; if there is no signal after all, it is known then, and nothing filled in is lost.
    await doorSync.now();
    link = await freeLink(await doorStore.get("kept", "data"));
  }
  if (!link && form.hasAttribute("action") && doorSync.isOnline()) {
    form.submit();
    return;
  }
  await doorSync.note({ kind: "add", link: link?.id ?? null, ...values }, values.name);
  form.reset();
  window.location.assign(link ? `/door/#/links/${link.id}/code/` : "/door/#/");
}

// Blanks are no name: the portal would refuse them, days after the code was shown.
function trim(form) {
  for (const field of form.querySelectorAll("input[type=text], input[type=tel], textarea")) field.value = field.value.trim();
}

// A form of the kept page has no token: the portal would not take it.
function sendAsItIs(form) {
  if (form.elements.csrfmiddlewaretoken) {
    form.submit();
    return;
  }
  const button = form.querySelector("[type=submit]");
  button.setCustomValidity("Your list is not on this device yet: wait for a signal, then try again.");
  button.addEventListener("click", () => button.setCustomValidity(""), { once: true });
  form.reportValidity();
  doorSync.now();
}

// Forms that are being kept: a second tap meanwhile is not a second visit.
const busy = new WeakSet();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-door-form]") || !window.isSecureContext || !window.indexedDB) return;
  event.preventDefault();
  if (busy.has(form)) return;
  trim(form);
  const values = valuesOf(form);
  const isCall = form.dataset.doorForm === "call";
  if ((isCall && dayIsMissing(form, values)) || !form.checkValidity()) {
    form.reportValidity();
    return;
  }
  busy.add(form);
  try {
    const data = await doorStore.get("kept", "data").catch(() => null);
    if (!data) sendAsItIs(form);
    else if (isCall) await noteCall(form, values);
    else await noteAdd(form, values, data);
  } finally {
    busy.delete(form);
  }
});
