// Sign-out wipes this device. What was done without a signal and is not sent yet would be lost: ask first.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-sign-out]") || form.dataset.signOut === "asked") return;
  event.preventDefault();
  const waiting = await doorStore.waiting();
  const words = `${waiting} not sent yet. If you sign out now, ${waiting === 1 ? "it is" : "they are"} lost. Sign out all the same?`;
  if (waiting && !window.confirm(words)) return;
  await wipeDevice();
  form.dataset.signOut = "asked";
  form.submit();
});
