// <form data-unsaved>: what is typed is not left by mistake, and not lost when the session has ended or the network is
// away. Nothing is stored for that: the sign-in page empties this device's storage. data-unsaved="now": it came back and
// is not saved. Before it is sent, the page is asked for once: is somebody signed in, and what is the form's token now?
(() => {
  const form = document.querySelector("form[data-unsaved]");
  if (!form) return;
  const LONGEST = 5000; // milliseconds
  let isDirty = form.dataset.unsaved === "now";
  let isSending = false;
  if (isDirty) showAll();

  form.addEventListener("input", () => { isDirty = true; });
  window.addEventListener("beforeunload", (event) => {
    if (isDirty) event.preventDefault();
  });
  // Back from the browser's own memory: it may be sent again.
  window.addEventListener("pageshow", () => { isSending = false; delete form.dataset.asked; });
  form.querySelector("[data-unsaved-drop]")?.addEventListener("click", () => { isDirty = false; });

  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (button?.formTarget) return;
    if (form.dataset.asked === "yes") {
      // The one that is sent, by requestSubmit below; whatever is clicked after it is not.
      form.dataset.asked = "sent";
      isDirty = false;
      return;
    }
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    const { problem, token } = await ask();
    for (const notice of form.querySelectorAll("[data-unsaved-notice]")) {
      notice.hidden = notice.dataset.unsavedNotice !== problem;
      if (!notice.hidden) notice.scrollIntoView({ block: "center" });
    }
    if (problem) {
      isSending = false;
      return;
    }
    // Signed in anew meanwhile: the page's own token is worth nothing any more.
    if (token) form.elements.csrfmiddlewaretoken.value = token;
    form.dataset.asked = "yes";
    form.requestSubmit(button);
  });

  // What keeps it from being sent (signed-out, no-network), and the form's token, if the page still has the form.
  async function ask() {
    const signIn = new URL(form.querySelector("[data-unsaved-notice='signed-out'] a").href).pathname;
    try {
      const signal = AbortSignal.timeout(LONGEST);
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" }, signal });
      if (new URL(answer.url).pathname === signIn) return { problem: "signed-out" };
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return { problem: "", token: page.querySelector("form[data-unsaved] [name=csrfmiddlewaretoken]")?.value };
    } catch {
      return { problem: "no-network" };
    }
  }

  // Each frame shows what stands in the fields. One after the other: a form that is sent twice at once is sent once.
  function showAll() {
    const buttons = [...form.querySelectorAll("[data-shows]")];
    buttons.forEach((button, place) => setTimeout(() => form.requestSubmit(button), 200 * (place + 1)));
  }
})();
