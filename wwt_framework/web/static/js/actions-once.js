// A form that is sent once: its buttons are switched off after the first press. The server counts it once anyway.

/** Switch off the buttons of *form* when it is sent, and say so; back from the history they work again. */
export function sendOnce(form) {
  if (form.dataset.armed) return;
  form.dataset.armed = "1";
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // A switched-off button is not part of what is sent: wait until that is on its way.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)), 0);
  });
}

for (const form of document.querySelectorAll("[data-once]")) sendOnce(form);
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("[data-once]")) {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((button) => (button.disabled = false));
  }
});
