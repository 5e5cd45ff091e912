"use strict";
// Every <time datetime> reads as its age, or in local time with data-as="clock"; the exact moment shows on hover.

function ageOf(moment) {
  const away = (Date.now() - moment) / 1000;
  const seconds = Math.abs(away);
  const told = seconds < 60 ? `${Math.floor(seconds)} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 86400 ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86400)} d`;
  return away < 0 ? `in ${told}` : told;
}

// The hours that Skep's own sentences and the terminal count in.
const CLOCK = { hourCycle: "h23" };

function clockOf(moment) {
  const today = new Date();
  if (moment.toDateString() === today.toDateString()) return moment.toLocaleTimeString(undefined, CLOCK);
  const year = moment.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  return moment.toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", ...year, hour: "numeric", minute: "2-digit", ...CLOCK });
}

function tellTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const told = time.dataset.as === "clock" ? clockOf(moment) : ageOf(moment);
    if (time.textContent !== told) time.textContent = told;
    time.title = `${moment.toLocaleString(undefined, CLOCK)} (${time.dateTime})`;
  }
}

document.addEventListener("htmx:afterSwap", tellTimes);
tellTimes();
setInterval(tellTimes, 1000);
