// <form data-unsaved>: what is typed is not left by mistake, and not lost if the session has ended meanwhile. Nothing is
// stored for that: the sign-in page empties this device's storage. data-unsaved="now": it came back and is not saved.
(() => {
  const form = document.querySelector("form[data-unsaved]");
  if (!form) return;
  let isDirty = form.dataset.unsaved === "now";
  if (isDirty) showAll();

  form.addEventListener("input", () => { isDirty = true; });
  window.addEventListener("beforeunload", (event) => {
    if (isDirty) event.preventDefault();
  });
  form.querySelector("[data-unsaved-drop]")?.addEventListener("click", () => { isDirty = false; });

  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (button?.formTarget) return;
    if (form.dataset.asked) {
      isDirty = false;
      return;
    }
    event.preventDefault();
    const notice = form.querySelector("[data-unsaved-notice]");
    const token = await findToken();
    notice.hidden = token !== "";
    if (token === "") {
      notice.scrollIntoView({ block: "center" });
      return;
    }
    // Signed in anew meanwhile: the page's own token is worth nothing any more.
    if (token) form.elements.csrfmiddlewaretoken.value = token;
    form.dataset.asked = "yes";
    form.requestSubmit(button);
  });

  // The form's token as it is now; empty: nobody is signed in; null: nobody can tell, and the browser shall try.
  async function findToken() {
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      if (new URL(answer.url).pathname !== window.location.pathname) return "";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return page.querySelector("form[data-unsaved] [name=csrfmiddlewaretoken]")?.value ?? null;
    } catch {
      return null;
    }
  }

  // Each frame shows what stands in the fields. One after the other: a form that is sent twice at once is sent once.
  function showAll() {
    const buttons = [...form.querySelectorAll("[data-shows]")];
    buttons.forEach((button, place) => setTimeout(() => form.requestSubmit(button), 200 * (place + 1)));
  }
})();
