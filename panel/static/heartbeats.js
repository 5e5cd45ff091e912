"use strict";
// Heartbeats of workers leave no event for the pulse to tell of, so this page looks for them now and then.

setInterval(() => {
  if (!document.hidden) document.body.dispatchEvent(new Event("skep:changed"));
}, 5000); // as often as they come, where the settings say nothing else
