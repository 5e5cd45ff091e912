"use strict";
// A notification of the browser when something begins to wait for a person and no page of the panel is looked at. Only
// where the person asked for it on the inbox; what it says is the count, never a text of a task.

(() => {
  const CHOICE = "skep-notify";
  let toldQuestions = -1;

  function mayNotify() {
    return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(CHOICE) === "on";
  }

  function considerNotifying(pulse) {
    const isMore = toldQuestions >= 0 && pulse.questions > toldQuestions;
    toldQuestions = pulse.questions;
    if (!isMore || !document.hidden || !mayNotify()) return;
    const text = pulse.questions === 1 ? "1 decision waits for you." : `${pulse.questions} decisions wait for you.`;
    const note = new Notification("Skep", { body: text, tag: "skep-inbox" }); // one for all tabs
    note.addEventListener("click", () => { window.focus(); location.assign("/inbox"); });
  }

  function tellChoice(button) {
    const isRefused = Notification.permission === "denied";
    button.hidden = false;
    button.disabled = isRefused;
    button.setAttribute("aria-pressed", String(mayNotify()));
    button.textContent = isRefused ? "This browser refuses notifications"
      : mayNotify() ? "Notifications are on" : "Notify me in this browser";
  }

  // A channel hears what every other one says, also those of its own page.
  new BroadcastChannel("skep-pulse").addEventListener("message", (event) => { if (event.data) considerNotifying(event.data); });
  document.body.addEventListener("skep:pulse", (event) => considerNotifying(event.detail));

  const notifyButton = document.getElementById("notify");
  if (notifyButton && "Notification" in window) {
    tellChoice(notifyButton);
    notifyButton.addEventListener("click", async () => {
      if (mayNotify()) localStorage.removeItem(CHOICE);
      else if (await Notification.requestPermission() === "granted") localStorage.setItem(CHOICE, "on");
      tellChoice(notifyButton);
    });
  }
})();
