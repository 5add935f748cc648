// Countdown to a deadline: data-due (ISO 8601), data-late, data-days and data-hours are texts with {time} {d} {h} {m}.
// Time is the server's (<html data-now>), because a reader's clock may be minutes off.
const offset = Date.parse(document.documentElement.dataset.now ?? "") - Date.now() || 0;
const WARN_SECONDS = 15 * 60;
const running = new Set();

const two = (number) => String(number).padStart(2, "0");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

function spell(seconds, texts) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60);
  if (days >= 2) return fill(texts.days, { d: days, h: Math.floor((seconds % 86400) / 3600) });
  if (hours) return fill(texts.hours, { h: hours, m: two(minutes) });
  return `${minutes}:${two(Math.floor(seconds % 60))}`;
}

function show(element) {
  const left = (Date.parse(element.dataset.due) - Date.now() - offset) / 1000;
  const time = spell(Math.abs(left), element.dataset);
  const text = left < 0 ? fill(element.dataset.late, { time }) : time;
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("late", left < 0);
  element.classList.toggle("warn", left >= 0 && left < WARN_SECONDS);
}

setInterval(() => {
  for (const element of running) element.isConnected ? show(element) : running.delete(element);
}, 1000);

export default function sla(element) {
  if (Number.isNaN(Date.parse(element.dataset.due))) return;
  running.add(element);
  show(element);
}
